package ledger

const (
	// refusal is the least time that a process takes to refuse a login, in
	// milliseconds: measured are 3 and more.
	refusal = 3
	// burstOf is how many refusals may seem to come at once, by rounding.
	burstOf = 2.5
	// fullest bounds a bucket, so that it is soon empty again.
	fullest = 8
)

// bucket holds a process to the time that a refused login takes. It gains one drop
// for each, and loses one in the time that each takes.
type bucket struct {
	level float64
	last  int64
	crowd *crowd
}

// crowd is a run of records that came too fast.
type crowd struct {
	members []*record
	full    bool
	last    *record
}

// add takes a record. If the bucket runs over, all records of the run are taken for
// forged: which of them is not, nothing tells.
func (b *bucket) add(r *record) {
	apart := max(r.time-b.last, b.last-r.time)
	b.level = max(0, b.level-float64(apart)/refusal)
	b.last = r.time
	if b.level == 0 || b.crowd == nil {
		b.crowd = &crowd{}
	}
	b.level = min(fullest, b.level+1)
	c := b.crowd
	c.last, r.crowd = r, c
	if b.level <= burstOf && !c.full {
		c.members = append(c.members, r)
		return
	}
	c.full = true
	for _, member := range c.members {
		member.mark(Crowded)
	}
	c.members = nil
	r.mark(Crowded)
}

// mark gives the record a reason, unless it has one.
func (r *record) mark(why Reason) {
	if r.bad == "" {
		r.bad = why
	}
}
