package watcher

import (
	"iter"
	"strings"
)

// dockerRecord is what is known of a container from before.
type dockerRecord struct {
	name     string
	position []byte
	last     int64 // as of dockerPosition
}

// Resume lets every container, known by its id, go on at its position, which is
// given by its name, and keep that name: it may have been renamed since. A position
// that cannot be read is told to the Alarm. Resume must be called before Run.
func (d *Docker) Resume(positions iter.Seq2[string, []byte]) {
	d.before = make(map[string]dockerRecord)
	for name, position := range positions {
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 || !strings.HasPrefix(name, dockerPrefix) {
			continue
		}
		id := name[slash+1:]
		p, _ := parseDockerPosition(position, id)
		if other, twice := d.before[id]; !twice || p.Last > other.last {
			d.before[id] = dockerRecord{name, position, p.Last}
		}
	}
}
