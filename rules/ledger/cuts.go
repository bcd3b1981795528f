package ledger

import "slices"

const (
	// mostCuts bounds how many headers that were cut off are remembered, cutReach how
	// many bytes of history a name of a database may have, and cutDate by how many
	// seconds the dates of the request differ from the time of its first record.
	mostCuts = 64
	cutReach = 1 << 20
	cutDate  = 2
	// cutTime is by how much, in milliseconds, the times of what a name holds differ
	// that fit the log's.
	cutTime = 30
)

// cut is a header that was cut off: the name of a database goes on behind it. In history
// it ends where the rest of the header comes, with the request's answer or what went
// wrong in it. A name may hold such lines, too; so what has about the time of the cut
// is in doubt up to the last of them. The date in the brackets of an answer is true,
// whatever stands before it.
type cut struct {
	Line
	time      int64
	end, last uint64
	back      bool // what stands before it in its write is in doubt, too
}

// cuts are the latest.
type cuts struct{ all []cut }

// open takes a header that was cut off.
func (c *cuts) open(at Line, time int64) {
	if len(c.all) == mostCuts {
		c.all = slices.Delete(c.all, 0, mostCuts/2)
	}
	c.all = append(c.all, cut{at, time, 0, at.Number, false})
}

// end takes a line that ends as such a record does, where none was seen to begin: it began
// as any record does, with a true time.
func (c *cuts) end(at Line) {
	c.open(at, 0)
	c.all[len(c.all)-1].back = true
}

// close takes a line that may be the end of some. date, in seconds since 1970, is what
// an answer bears; zero for none.
func (c *cuts) close(at Line, date int64) {
	for i := range slices.Backward(c.all) {
		one := &c.all[i]
		if at.Offset-one.Offset > cutReach {
			return
		}
		if seconds := one.time / 1000; date != 0 && (date < seconds-cutDate || date > seconds+cutDate) {
			continue
		}
		if one.last = at.Number; one.end == 0 {
			one.end = at.Number
		}
	}
}

// hold reports whether one of the names may hold an attempt: it was written in one go with
// that header, or stands before the end.
func (c *cuts) hold(x *attempt) bool {
	line, b := x.last().Number, x.last().Batch
	for _, one := range slices.Backward(c.all) {
		switch {
		case one.Number > line && (!one.back || one.Batch != b):
		case b.Known():
			if one.Batch == b {
				return true
			}
		case line <= one.end, line <= one.last && x.time() <= one.time+cutTime:
			return true
		}
	}
	return false
}
