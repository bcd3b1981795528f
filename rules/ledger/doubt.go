package ledger

import (
	"slices"

	"odooban/rules/batch"
)

// patience is for how many lines a record is taken for one that may hold the next
// line, if its process does not answer: it may be dead.
const patience = 200

// longPatience is the same for history, in bytes: records are large there, and nothing waits.
const longPatience = 8 << 20

// holder is a record that may hold the lines behind it: its process has not answered yet.
type holder struct {
	proc   *process
	line   uint64
	offset int64
}

// doubt is what may hold the next line.
type doubt struct {
	holders []holder
	// call is the last access line that names what was called, as it was submitted, and
	// wrong the last one that names what there is not.
	call, wrong fragment
	// unknown is where it said that there is no such method.
	unknown holder
	// heading is the process of the last header, nil behind a login or an answer:
	// nothing goes on behind these.
	heading *process
	// whole is the last line that nothing goes on behind, and open the last one that
	// something may go on behind.
	whole, open uint64
}

// fragment is an access line with a "#": Odoo 19 appends the model and the method that
// were called, line ends and all. If there is no such method, an exception says so right
// before.
type fragment struct {
	line  uint64
	time  int64
	batch *batch.Batch
}

// holds reports whether the fragment may go on up to a line, which is so within one write.
func (f *fragment) holds(at *Line) bool {
	return f.line > 0 && (!at.Batch.Known() || at.Batch == f.batch)
}

// inFragment reports whether an attempt may stand in the fragment: it has the same time, by the
// clock of who guesses that to a second, or is older than what stands before it.
func (d *doubt) inFragment(x *attempt) bool {
	const guessed = 1000
	first, last := x.first().Number, max(x.time(), x.lastTime())
	return first > d.wrong.line && d.wrong.holds(x.first()) && last <= d.wrong.time+guessed ||
		first > d.call.line && d.call.holds(x.first()) && last < d.call.time
}

// hold takes a record that its process has not answered yet.
func (d *doubt) hold(p *process, line uint64, offset int64) {
	d.close(p)
	d.holders = append(d.holders, holder{p, line, offset})
}

// close says that a process has answered.
func (d *doubt) close(p *process) {
	for i := range d.holders {
		if d.holders[i].proc == p {
			d.holders = append(d.holders[:i], d.holders[i+1:]...)
			return
		}
	}
}

// release forgets open records that stand in a region: nobody answers them.
func (d *doubt) release(r *region) {
	d.holders = slices.DeleteFunc(d.holders, func(h holder) bool { return r.holds(h.line) })
}

// free reports whether the line stands where no record can hold it.
func (d *doubt) free(at *Line) bool {
	kept := d.holders[:0]
	for _, h := range d.holders {
		if at.Number-h.line <= patience || !at.Batch.Known() && at.Offset-h.offset <= longPatience {
			kept = append(kept, h)
		}
	}
	d.holders = kept
	return len(kept) == 0 && (d.wrong.line == 0 || at.Number-d.wrong.line > patience)
}

// since returns the line of the latest open record of another process; zero for none.
func (d *doubt) since(p *process) (line uint64) {
	for _, h := range d.holders {
		if h.proc != p {
			line = max(line, h.line)
		}
	}
	return line
}

// of returns the line of the process' open record; zero for none.
func (d *doubt) of(p *process) uint64 {
	for _, h := range d.holders {
		if h.proc == p {
			return h.line
		}
	}
	return 0
}

// beginning is the line of the first record that may hold the one at hand.
func (d *doubt) beginning(line uint64) uint64 {
	first := line
	for _, h := range d.holders {
		if line-h.line <= patience {
			first = min(first, h.line)
		}
	}
	return first
}
