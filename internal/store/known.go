package store

import (
	"database/sql"
	"encoding/json"
	"math"

	"odooban/internal/printable"
	"odooban/rules"
)

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
