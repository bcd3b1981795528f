package ledger

// Reason is the name of why a line that looks like a failed login is not counted,
// or not against the address that it names. It is what odooban test, why and
// alarms show.
type Reason string

// The reasons. Each is one check, which can be switched off to measure what it
// buys: see Checks.
const (
	// OtherAnswer: the line's process answered somebody else.
	OtherAnswer Reason = "other-answer"
	// OpenEnd: a record before it ends in no address, so it goes on.
	OpenEnd Reason = "open-end"
	// Overlap: its process would have answered two requests at a time.
	Overlap Reason = "overlap"
	// CutHeader: it stands behind a header that was cut off by a name of a database
	// that somebody sent, and may be a part of that.
	CutHeader Reason = "cut-header"
	// Twice: one request would have written two records.
	Twice Reason = "twice"
	// TextBehind: text goes on behind it that belongs to no record.
	TextBehind Reason = "text-behind"
	// Fragment: it stands behind an access line that may hold it.
	Fragment Reason = "fragment"
	// Crowded: its process would have refused logins faster than any can.
	Crowded Reason = "crowded"
	// Clock: its time does not fit its neighbours, or the moment of its writing.
	Clock Reason = "clock"
	// UnknownProcess: its process is not heard of anywhere else.
	UnknownProcess Reason = "unknown-process"
	// OtherLayout: it is not written as the log's other lines are.
	OtherLayout Reason = "other-layout"
	// OneWrite: it was written in one go with a record that may hold it.
	OneWrite Reason = "one-write"
	// Unanswered: its process went on without answering it.
	Unanswered Reason = "unanswered"
	// NoAddress: neither the line nor an access line names who made it.
	NoAddress Reason = "no-address"
	// Ambiguous: several may have made it.
	Ambiguous Reason = "ambiguous"
)

// Explanation says what a reason means, and what to do about it.
type Explanation struct {
	Reason Reason
	// Forged says that the line is a part of somebody's request, and no failure
	// that was lost.
	Forged      bool
	Title, Cure string
}

const (
	forgedCure = "nothing: somebody wrote this line into a login; whoever did is counted"
	accessCure = "let Odoo write access lines (log_handler = werkzeug:INFO), and keep them in the same log"
)

// Explanations are those of all reasons.
func Explanations() []Explanation {
	return []Explanation{
		{OtherAnswer, true, "its process answered another address", forgedCure},
		{OpenEnd, true, "a record before it ends in no address, so it goes on", forgedCure},
		{Overlap, true, "its process would have answered two requests at a time", forgedCure},
		{CutHeader, true, "it may be a part of the name of a database that somebody sent", forgedCure},
		{Twice, true, "one request would have written two records", forgedCure},
		{TextBehind, true, "text goes on behind it that belongs to no record", forgedCure},
		{Fragment, true, "it may be a part of the access line before it", forgedCure},
		{
			Crowded, true, "its process cannot refuse logins as fast as that",
			forgedCure + "; if you write lines yourself to test, leave 10 ms between them",
		},
		{
			Clock, true, "its time fits neither its neighbours nor the moment of its writing",
			"compare the clocks of Odoo's host and of this one, and the time zone of the log",
		},
		{UnknownProcess, true, "its process is not heard of anywhere else", "keep all of Odoo's records in one log"},
		{OtherLayout, true, "it is not written as the log's other lines are", "one log, one format: do not mix formatters"},
		{OneWrite, true, "it was written in one go with a record that may hold it", forgedCure},
		{Unanswered, true, "its process went on without answering it", forgedCure},
		{NoAddress, false, "nothing tells which address made it", accessCure},
		{
			Ambiguous, false, "several addresses may have made it",
			"run Odoo with workers (workers = 2 or more), so that each request has a process of its own",
		},
	}
}

// Checks says which checks are switched off, to measure what each of them buys.
type Checks map[Reason]bool

func (c Checks) on(r Reason) bool { return !c[r] }

// Forged reports whether the reason says that the line is a part of somebody's request.
func (r Reason) Forged() bool { return r != NoAddress && r != Ambiguous }

// Forged reports whether somebody has forged the line: it is no failure that was lost. Of
// lines that came too fast that is certain only where it is known who did.
func (v *Verdict) Forged() bool { return v.Reason.Forged() && (v.Reason != Crowded || v.By.IsValid()) }
