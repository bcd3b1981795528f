package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile is how large a configuration file may be, in bytes.
const maxFile = 1 << 20

// readFile returns the content of a file of bounded size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; write one: odooban config init > %s", path, fs.ErrNotExist, path)
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory; name the file in it", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: is larger than 1 MiB, so it is no configuration; name another file", path)
	}
	return data, nil
}

// unreadable names the path once, where the errors of package os repeat it.
func unreadable(path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("%s: %w; let the user that odooban runs as read it", path, err)
}
