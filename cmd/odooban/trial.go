package main

import (
	"time"

	"odooban/internal/engine"
	"odooban/rules"
)

// trialAhead is how many bytes of text a trial reads on before it tells of a line:
// by then it is decided, as nothing that comes so late is about it.
const trialAhead = 4 << 20

// explained is what a line says by itself, and why it is not counted beside the others.
type explained struct {
	rules.Explanation
	Rejected *rejected `json:"rejected,omitempty"`
}

// rejected is why a line is not counted, and what to do about it.
type rejected struct {
	Reason rules.Reason `json:"reason"`
	Title  string       `json:"title"`
	Cure   string       `json:"cure"`
}

// trial explains lines one by one, and judges them together, as a log.
type trial struct {
	set     *rules.Set
	now     time.Time
	tell    func(explained) error
	scanner *rules.Scanner
	lines   int64
	// waiting are the lines that are not told of yet, the last ones, held where each
	// of them begins and at where the next does, in bytes; why are their reasons.
	waiting []explained
	held    []int64
	at      int64
	why     map[int64]*rejected
}

// newTrial returns a trial that tells of each line, in their order.
func newTrial(set *rules.Set, now time.Time, tell func(explained) error) *trial {
	return &trial{set: set, now: now, tell: tell, scanner: set.NewScanner(now), why: make(map[int64]*rejected)}
}

// line takes the next line.
func (t *trial) line(text []byte) error {
	t.lines++
	t.waiting = append(t.waiting, explained{Explanation: t.set.Explain(text, t.now)})
	t.held = append(t.held, t.at)
	t.at += int64(len(text)) + 1
	t.scanner.Feed(nil, rules.Line{Text: text, Place: rules.Place{Offset: t.lines}})
	t.note()
	for len(t.waiting) > 0 && t.at-t.held[0] > trialAhead {
		if err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

// end tells of the lines that are left.
func (t *trial) end() error {
	if t.lines > 1 { // one alone is no log
		t.scanner.Flush(nil)
		t.note()
	}
	for len(t.waiting) > 0 {
		if err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

// note keeps the reasons of the lines that were rejected.
func (t *trial) note() {
	for _, r := range t.scanner.Rejected() {
		why := engine.Explain(r.Reason)
		t.why[r.Place.Offset] = &rejected{r.Reason, why.Title, why.Cure}
	}
}

// next tells of the first line that waits.
func (t *trial) next() error {
	e, number := t.waiting[0], t.lines-int64(len(t.waiting))+1
	e.Rejected = t.why[number]
	delete(t.why, number)
	t.waiting, t.held = t.waiting[1:], t.held[1:]
	return t.tell(e)
}
