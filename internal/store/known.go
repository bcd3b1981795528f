package store

import (
	"database/sql"
	"encoding/json"
	"math"

	"odooban/internal/once"
	"odooban/internal/printable"
	"odooban/rules"
)

// counted is what was counted, known by its content.
type counted struct {
	*once.Set
	// newest is the time of the latest failure in the file, in milliseconds since
	// 1970; not known before asked. Of a later one the file knows nothing.
	newest int64
	asked  bool
}

// learn asks the file for failures like f, if it may have any that are not known.
func (j *Journal) learn(f *rules.Failure) {
	c := &j.counted
	at := f.Time.UnixMilli()
	later := c.asked && at > c.newest
	c.newest = max(c.newest, at)
	if later || c.Knows(f) {
		return
	}
	j.suspect(j.read(func(db *database) error {
		if !c.asked {
			var newest int64
			if err := db.QueryRow(`SELECT coalesce(max(time), 0) FROM failures`).Scan(&newest); err != nil {
				return err
			}
			c.newest, c.asked = max(c.newest, newest), true
		}
		alike, _, err := selectFailures(db.alike.Query(at, printable.Text(f.Rule), addrText(f.Addr),
			printable.Text(f.DB)))
		for i := range alike {
			c.Add(alike[i].Source, &alike[i].Failure)
		}
		return err
	}))
}

// maxReached bounds the generations of which is known how far they were recorded.
const maxReached = 10_000

// generation is one of a source, as of rules.Place.
type generation struct{ source, name string }

// reach is how far into a generation failures were recorded. A failure behind that
// is new, which the file need not be asked: bans wait for the answer.
type reach struct {
	// last is the offset of the last failure, or 0.
	last int64
	// asked says that it is that of those in the file, too, not only of those that
	// were recorded since it was opened.
	asked bool
}

// known returns which of the failures of a source are in the file.
func (j *Journal) known(source string, failures []rules.Failure) map[identity]bool {
	if len(j.reached) > maxReached && j.staged.empty() {
		clear(j.reached)
	}
	var keys []string
	for i := range failures {
		if p := failures[i].Place; p.Offset <= j.reach(generation{source, p.Generation}) {
			keys = append(keys, placeText(p))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	known := make(map[identity]bool)
	text, _ := json.Marshal(keys) // strings cannot fail
	j.suspect(j.read(func(db *database) error {
		return each(db.known.Query(printable.Text(source), string(text)))(func(row *sql.Rows) error {
			var key, rule string
			err := row.Scan(&key, &rule)
			known[identity{source, placeOf(key), printable.Original(rule)}] = true
			return err
		})
	}))
	return known
}

// reach returns the offset behind which no failure of a generation was recorded. It
// asks the file once, which takes it half a second where it has a million of them; as
// long as it gives no answer, any failure may have been.
func (j *Journal) reach(g generation) int64 {
	r := j.reached[g]
	if r.asked {
		return r.last
	}
	var last int64
	j.suspect(j.read(func(db *database) error {
		err := db.reach.QueryRow(printable.Text(g.source), generationText(g.name)).Scan(&last)
		r.asked = err == nil
		return err
	}))
	if !r.asked {
		return math.MaxInt64
	}
	r.last = max(r.last, last)
	j.reached[g] = r
	return r.last
}

// extend notes failures of a source that were recorded.
func (j *Journal) extend(source string, failures []rules.Failure) {
	for i := range failures {
		p := failures[i].Place
		g := generation{source, p.Generation}
		r := j.reached[g]
		r.last = max(r.last, p.Offset)
		j.reached[g] = r
	}
}
