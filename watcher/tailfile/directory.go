package tailfile

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"odooban/watcher/content"
	"odooban/watcher/rotated"
)

const (
	// maxEntries bounds how many files of a directory are looked at.
	maxEntries = 10_000
	// maxTries bounds how often a directory is looked at while it changes.
	maxTries = 30
)

// entry is a file in a directory.
type entry struct {
	path string
	id   content.Identity
}

// open opens the file, or says that it does not exist any more: its name may
// have gone over to another.
func (e entry) open() (*generation, error) {
	g, err := openGeneration(e.path)
	if err == nil && g.id != e.id {
		g.Close()
		return nil, fmt.Errorf("read %s: it was renamed: %w", e.path, fs.ErrNotExist)
	}
	return g, err
}

// atOneMoment lists files until two lists in a row are the same. A file that is
// renamed meanwhile would be missed.
func atOneMoment(list func() []entry) []entry {
	files := list()
	for range maxTries {
		before := files
		if files = list(); slices.Equal(before, files) {
			break
		}
	}
	return files
}

// siblings lists what rotation has made of the file at path, beside it and, behind
// a link, beside what that leads to.
func siblings(path string) []entry {
	files := beside(path)
	if _, err := os.Readlink(path); err != nil {
		return files // it is no link
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return files
	}
	for _, e := range beside(target) {
		if e.path == target {
			e.path = path
		}
		files = append(files, e)
	}
	return files
}

// beside lists what rotation has made of the file at path, and that itself
// at last. Of numbered ones the oldest, with the highest number, comes first;
// compressed ones are behind the others, as one that is being made has not all
// of what the other has.
func beside(path string) []entry {
	dir, base := filepath.Split(path)
	files := list(cmp.Or(dir, "."), func(name string) bool { return name == base || rotated.IsSibling(base, name) })
	slices.SortFunc(files, func(a, b entry) int {
		return cmp.Or(
			cmp.Compare(strings.Count(a.path, ".gz"), strings.Count(b.path, ".gz")),
			cmp.Compare(len(b.path), len(a.path)),
			cmp.Compare(b.path, a.path))
	})
	return files
}

// neighbours lists the files beside path, and beside what it links to.
func neighbours(path string) []entry {
	dirs := []string{filepath.Dir(path)}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		dirs = append(dirs, filepath.Dir(target))
	}
	var files []entry
	for _, dir := range slices.Compact(dirs) {
		files = append(files, list(dir, func(string) bool { return true })...)
	}
	return files
}

// list identifies the files of a directory whose name is wanted.
func list(dir string, wanted func(name string) bool) []entry {
	entries, _ := os.ReadDir(dir)
	var files []entry
	for _, e := range entries[:min(len(entries), maxEntries)] {
		if !wanted(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if id, err := content.IdentifyPath(path); err == nil {
			files = append(files, entry{path, id})
		}
	}
	return files
}
