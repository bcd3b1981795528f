package tailfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"odooban/watcher/content"
)

// files are those that the path has named and that may have something to read, and
// those that are known again.
type files struct {
	*File
	// loss tells of lines that are missing.
	loss func(error)

	// current is what the path names, or named last; nil before there was
	// anything. old are those before it that may still be written to.
	current *generation
	old     []*generation
	// done are those before them, which have been closed.
	done []mark
	// named is when the path was last seen to name current. Of the files that
	// it has named up to since, none is unknown that has something to read.
	named, since time.Time
	// there is when the path was last not known to name nothing: what it names
	// may have been another file, or one that must not be read.
	there time.Time
	// encode is position, as a function that is made once.
	encode func() []byte
}

// open gives all open generations, the oldest first.
func (f *files) open() []*generation {
	if f.current == nil {
		return f.old
	}
	return append(slices.Clip(f.old), f.current)
}

// adopt takes over the generations that were found, the oldest first.
func (f *files) adopt(found []*generation) {
	f.old = found
	if n := len(found); n > 0 && !found[n-1].Packed {
		f.old, f.current = found[:n-1:n-1], found[n-1]
	}
}

// renamedBack goes back to a file that is open already, if next is one, and
// closes next then.
func (f *files) renamedBack(next *generation) bool {
	i := slices.IndexFunc(f.open(), func(g *generation) bool { return g.id == next.id })
	if i < 0 {
		return false
	}
	next.Close()
	if i < len(f.old) {
		back := f.old[i]
		f.old = slices.Delete(f.old, i, i+1)
		if f.current != nil {
			f.old = append(f.old, f.current)
		}
		f.current = back
	}
	return true
}

// retire closes the old files that nobody writes to any more, once the writers are
// known to have found the new one: those quiet for the grace time if they were
// deleted, and for keepTime if not, as a worker that has not found it may write on
// to them whenever it has something to say.
func (f *files) retire() {
	moved := f.current != nil && f.current.pos > 0
	excess := len(f.old) - maxOld
	f.old = slices.DeleteFunc(f.old, func(g *generation) bool {
		excess--
		quiet := time.Since(g.grown)
		if excess < 0 && !g.spent && (!moved || quiet <= f.grace || quiet <= keepTime && !g.deleted()) {
			return false
		}
		g.Close()
		f.remember(g)
		return true
	})
}

// remember keeps what is needed to know the lines of g again, in a copy.
func (f *files) remember(g *generation) {
	if m := g.mark(); m.Offset > 0 {
		m.Done = true
		f.done = append(f.done, m)
	}
}

// call gives g, whose first line this is, its name: a fingerprint of that line,
// as it stays the same however the file is renamed, copied or compressed; and a
// number, should one of the files before have begun with the same line.
func (f *files) call(g *generation, first []byte) {
	base := fingerprint(first[:min(len(first), content.HeadSize)])[:16]
	number := 0
	for _, m := range f.marks() {
		if n, ok := strings.CutPrefix(m.Generation, base+"-"); ok {
			k, _ := strconv.Atoi(n)
			number = max(number, k)
		}
	}
	g.name = fmt.Sprintf("%s-%d", base, number+1)
}

// marks are those of all generations that are known, the oldest first.
func (f *files) marks() []mark {
	marks := slices.Clone(f.done)
	for _, g := range f.open() {
		m := g.mark()
		m.Done = m.Done || g != f.current && time.Since(g.grown) > f.grace
		marks = append(marks, m)
	}
	return marks[max(0, len(marks)-maxFiles):]
}

// replaced are the marks of the files before the current one that have no name any more:
// rotation gives them another, who rewrites a log puts the new file in their place.
func (f *files) replaced() []mark {
	var marks []mark
	for _, g := range f.old {
		if g.deleted() {
			marks = append(marks, g.mark())
		}
	}
	return marks
}

// position gives the position after the line that is being handed on.
func (f *files) position() []byte {
	p := position{Version: 1, Since: f.since.UnixNano(), Files: f.marks()}
	for _, m := range p.Files {
		// Of one that nothing was read of only the name is known. Once it is
		// compressed it has to be found like those that came later.
		if m.Offset == 0 && m.Born > 0 {
			p.Since = min(p.Since, m.Born)
		}
	}
	text, _ := json.Marshal(p) // nothing in it can fail
	return text
}
