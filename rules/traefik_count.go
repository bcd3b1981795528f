package rules

import "bytes"

// In the common format a record of Traefik's may hold further lines, in the name
// of a user, and they look like any other. What tells is the number of the request,
// near the end of each line: Traefik counts all requests, of whatever router, and
// tells nobody. Records are logged when they have been answered, so the counts come
// slightly out of order, and each comes once. A forger can write the end of a record
// into a name, and has to guess a count; the true end of his record comes last.
//
// So where a line ends in a count that is due, the next begins a record, and the
// address that it begins with is true.

// countOf reads the count of a line that ends in ` 7 "odoo@docker"
// "http://172.18.0.3:8069" 214ms`.
func countOf(line []byte) (uint64, bool) {
	if _, ok := tookOf(line); !ok {
		return 0, false
	}
	b := line[:bytes.LastIndexByte(line, ' ')]
	for range 2 {
		var ok bool
		if b, ok = cutLastQuoted(b); !ok {
			return 0, false
		}
	}
	n, ok := cutNumber(b[bytes.LastIndexByte(b, ' ')+1:])
	return uint64(n), ok && n > 0
}

// cutLastQuoted cuts a blank and a text in quotes off the end of b.
func cutLastQuoted(b []byte) (rest []byte, ok bool) {
	if b, ok = bytes.CutSuffix(b, []byte{'"'}); !ok {
		return nil, false
	}
	at := bytes.LastIndexByte(b, '"')
	if at < 1 || b[at-1] != ' ' {
		return nil, false
	}
	return b[:at-1], true
}

// dueness says what is to be thought of a count.
type dueness uint8

const (
	// strange counts are forged, or Traefik counts anew.
	strange dueness = iota
	// overdue ones belong to a request that took long; or to none.
	overdue
	// due is a count that few others are, so that nobody guesses it.
	due
)

const (
	// countsAhead is how many requests a line may be ahead of those before it,
	// countsBack how many it may be behind. Whoever guesses has as many chances.
	countsAhead = 64
	countsBack  = 256
	// countsKept is how many counts are remembered, countsPlaced of how many it is
	// known where they came: as many as a horizon has lines.
	countsKept   = 1 << 16
	countsPlaced = 1 << 13
)

// counts are the counts that have come.
type counts struct {
	first, latest uint64
	seen          [countsKept / 64]uint64
	// at is how many bytes of the source had been read when each of the last ones
	// came, fitted when the latest came that was due.
	at     [countsPlaced]int64
	fitted int64
}

func newCounts(n uint64, offset int64) *counts {
	c := &counts{first: n, latest: n, fitted: offset}
	c.add(n, offset)
	return c
}

// look says what is to be thought of the count.
func (c *counts) look(n uint64) dueness {
	switch {
	case n > c.latest+countsAhead || c.has(n):
		return strange
	case n < c.first || n+countsBack < c.latest:
		return overdue
	}
	return due
}

// add remembers that the count has come.
func (c *counts) add(n uint64, offset int64) {
	for c.latest < n {
		c.latest++
		c.seen[c.word(c.latest)] &^= 1 << (c.latest % 64)
	}
	if n < c.first || n+countsKept <= c.latest {
		return
	}
	c.seen[c.word(n)] |= 1 << (n % 64)
	if n+countsPlaced > c.latest {
		c.at[n%countsPlaced] = offset
	}
}

// since is where the strange count n came before, if it did; what came since may be
// a part of one record.
func (c *counts) since(n uint64, offset int64) int64 {
	if at := c.at[n%countsPlaced]; c.has(n) && n+countsPlaced > c.latest && offset-at <= horizon {
		return at
	}
	return offset
}

// has says whether the count has come, if it is none that came too long ago.
func (c *counts) has(n uint64) bool {
	return n >= c.first && n <= c.latest && n+countsKept > c.latest && c.seen[c.word(n)]&(1<<(n%64)) != 0
}

// word is where the bit of a count lies.
func (c *counts) word(n uint64) uint64 { return n / 64 % uint64(len(c.seen)) }

// numbering follows the counts of a source through Traefik's restarts.
type numbering struct {
	now *counts
	// before are the counts before what looks like a restart, as long as it may
	// have been forged; turned is where that was.
	before *counts
	turned int64
}

// take says what is to be thought of a line that ends in the count n, with
// offset bytes of the source read; and if it is strange, how many had been read
// when what it shows to be forged began.
func (c *numbering) take(n uint64, offset int64) (is dueness, since int64) {
	if c.now == nil {
		c.now = newCounts(n, offset)
		return due, offset
	}
	if c.before != nil && offset-c.turned > horizon {
		c.before = nil
	}
	switch is = c.now.look(n); {
	case is == due:
		c.now.add(n, offset)
		c.now.fitted = offset
		return due, offset
	case c.before != nil && c.before.look(n) == due:
		// What looked like a restart stands in a record that ends here.
		c.now, c.before = c.before, nil
		c.now.add(n, offset)
		return strange, c.turned
	case c.before == nil && n <= countsAhead && n < c.now.latest:
		c.before, c.turned = c.now, offset
		c.now = newCounts(n, offset)
		return overdue, offset
	}
	since = c.now.since(n, offset)
	if fitted := c.now.fitted; offset-fitted > horizon { // no record is that long
		c.adopt(n, offset)
		return strange, fitted - horizon
	}
	if is == overdue {
		c.now.add(n, offset)
	}
	return is, since
}

// adopt begins anew with a count that is true.
func (c *numbering) adopt(n uint64, offset int64) { c.now, c.before = newCounts(n, offset), nil }
