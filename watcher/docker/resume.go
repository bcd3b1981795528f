package docker

import (
	"iter"
	"strings"
)

// record is what is known of a container from before.
type record struct {
	name     string
	position []byte
	last     int64 // as of position
}

// Resume lets every container, known by its id, go on at its position, which is
// given by its name, and keep that name: it may have been renamed since. A position
// that cannot be read is told to the Alarm. Resume must be called before Run.
func (d *Group) Resume(positions iter.Seq2[string, []byte]) {
	d.before = make(map[string]record)
	for name, position := range positions {
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 || !strings.HasPrefix(name, prefix) {
			continue
		}
		id := name[slash+1:]
		p, _ := parsePosition(position, id)
		if other, twice := d.before[id]; !twice || p.Last > other.last {
			d.before[id] = record{name, position, p.Last}
		}
	}
}
