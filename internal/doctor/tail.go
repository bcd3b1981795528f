package doctor

import (
	"bytes"
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
	// maxLogs is how many logs are read.
	maxLogs = 50
)

// tail reads the end of a file, from the start of a line on.
func tail(path string) ([]byte, fs.FileInfo, error) {
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
	from := max(0, info.Size()-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, from, tailBytes))
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
