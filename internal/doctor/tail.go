package doctor

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

const (
	// tailBytes and tailLines are how much of the end of each log is read.
	tailBytes = 4 << 20
	tailLines = 40_000
	// usualLine is how many bytes a line has, about.
	usualLine = 800
	// maxLogs is how many logs are read.
	maxLogs = 50
)

// depth is how many bytes of each log are read, and depthLines how many lines
// where bytes cannot be asked for.
func (x *facts) depth() int64    { return cmp.Or(x.Depth, tailBytes) }
func (x *facts) depthLines() int { return int(x.depth() / usualLine) }

// tail reads the last bytes of a file, from the start of a line on.
func tail(path string, depth int64) ([]byte, fs.FileInfo, error) {
	// A pipe would let us wait for a writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, info, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	}
	from := max(0, info.Size()-depth)
	text, err := io.ReadAll(io.NewSectionReader(file, from, depth))
	if err != nil {
		return nil, info, fmt.Errorf("read %s: %w", path, err)
	}
	if from > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text, info, nil
}

// lastLines returns the last tailLines whole lines of a text.
func lastLines(text []byte) [][]byte {
	end := bytes.LastIndexByte(text, '\n')
	if end < 0 {
		return nil
	}
	lines := bytes.Split(text[:end], []byte("\n"))
	return lines[max(0, len(lines)-tailLines):]
}

// readSmall reads a configuration file, up to a mebibyte.
func readSmall(path string) ([]byte, error) {
	const most = 1 << 20
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, most))
}
