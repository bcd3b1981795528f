package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestDeadline holds that what is followed is decided within a second after it was read, and
// that until then Open lists it.
func TestDeadline(t *testing.T) {
	for _, tt := range []struct {
		name string
		log  []write
		want []string
	}{
		{"a record that nobody answers", workers(wrote(1000, failed(1000, 100, "a", honest))), []string{"login " + honest}},
		{
			"what a record may hold", unanswered("x", accused(101), claimed(101), recordEnd),
			[]string{rejected(OneWrite)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReader(nil)
			for _, w := range tt.log {
				r.read(when(w.at), w.text)
			}
			for _, ms := range []int{1000, 1050, 1500, 1999} {
				r.pause(ms)
				if got := r.verdicts(); len(got) > 0 || len(r.open()) == 0 {
					t.Errorf("after %d ms: %q, open: %v", ms-1000, got, r.open())
				}
			}
			r.pause(2000)
			if diff := cmp.Diff(tt.want, r.verdicts(), unordered); diff != "" {
				t.Errorf("after a second (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAtOnce holds that an attempt which nothing to come can contradict is decided as soon as
// nothing more is written with it.
func TestAtOnce(t *testing.T) {
	for name, next := range map[string]func(*reader){
		"a pause":       func(r *reader) { r.pause(1005) },
		"another write": func(r *reader) { r.read(when(1006), got(1006, 101)+"\n") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(nil)
			for _, w := range workers(wrote(1000, failed(1000, 100, "a", honest)), wrote(1004, posted(1004, 100, honest))) {
				r.read(when(w.at), w.text)
			}
			if len(r.verdicts()) > 0 || len(r.open()) != 1 {
				t.Error("it was decided before")
			}
			next(r)
			if diff := cmp.Diff([]string{"login " + honest}, r.verdicts()); diff != "" || len(r.open()) > 0 {
				t.Errorf("open: %v (-want +got):\n%s", r.open(), diff)
			}
		})
	}
}

// TestNamelessDeadline holds how long records without an address wait for their answer: as long
// as a request may take, and of threads 300 milliseconds behind it.
func TestNamelessDeadline(t *testing.T) {
	t.Run("a worker", func(t *testing.T) {
		r := newReader(nil)
		r.read(when(1000), failed(1000, 100, "a", "n/a")+"\n")
		if r.pause(120_999); len(r.open()) != 1 || len(r.verdicts()) > 0 {
			t.Error("it was decided before the limit")
		}
		r.pause(121_000)
		if diff := cmp.Diff([]string{nobodyKnown}, r.verdicts()); diff != "" || len(r.open()) > 0 {
			t.Errorf("open: %v (-want +got):\n%s", r.open(), diff)
		}
	})
	t.Run("threads", func(t *testing.T) {
		r := newReader(nil)
		for _, w := range threads(wrote(1000, failed(1000, 900, "y", "n/a")), wrote(1010, called(1010, 900, honest))) {
			r.read(when(w.at), w.text)
		}
		if r.pause(1299); len(r.open()) == 0 || len(r.verdicts()) > 0 {
			t.Error("it was decided at once")
		}
		r.pause(1300)
		if diff := cmp.Diff([]string{"login " + honest}, r.verdicts()); diff != "" || len(r.open()) > 0 {
			t.Errorf("open: %v (-want +got):\n%s", r.open(), diff)
		}
	})
}

// TestHistoryDeadline holds that history waits for what comes behind it, and no longer than a
// second once it was read.
func TestHistoryDeadline(t *testing.T) {
	log := workers(wrote(1000, failed(1000, 100, "a", honest)), wrote(1004, posted(1004, 100, honest)))
	r := newReader(nil)
	for _, w := range log {
		r.read(time.Time{}, w.text)
	}
	if r.pause(5000); len(r.open()) != 1 || len(r.verdicts()) > 0 {
		t.Error("it was decided as soon as it was read")
	}
	if r.pause(5999); len(r.verdicts()) > 0 {
		t.Error("it was decided too soon")
	}
	r.pause(6000)
	if diff := cmp.Diff([]string{"login " + honest}, r.verdicts()); diff != "" || len(r.open()) > 0 {
		t.Errorf("open: %v (-want +got):\n%s", r.open(), diff)
	}
}

// TestOpen holds that Open names the places of the first lines of what is undecided.
func TestOpen(t *testing.T) {
	r := newReader(nil)
	first, second := failed(1000, 100, "a", honest)+"\n", failed(1000, 101, "a", "n/a")+"\n"
	r.read(when(1000), got(900, 100)+"\n")
	at := r.offset
	r.read(when(1001), first)
	r.read(when(1002), second)
	want := []int64{at, at + int64(len(first))}
	if diff := cmp.Diff(want, r.open(), cmpopts.SortSlices(func(a, b int64) bool { return a < b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.ledger.Flush(); len(r.open()) > 0 || len(r.verdicts()) != 2 {
		t.Errorf("open after the end: %v", r.open())
	}
}
