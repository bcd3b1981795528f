package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// start is when the first line of each test is written.
var start = time.Date(2026, 11, 23, 10, 45, 2, 0, time.UTC)

// line is one that comes after another, as far as its source tells.
type line struct {
	// seen and stamp are how long after start; nil for none.
	seen, stamp *time.Duration
	size, found int64
	continues   bool
	paused      bool // a pause came before it
}

// seen is a line of a file that was found so long after start, stamped one that a
// collector took then.
func seen(d time.Duration) line    { return line{seen: new(d), size: 100, found: 100} }
func stamped(d time.Duration) line { return line{stamp: new(d), size: 100} }

func (l line) with(change func(*line)) line {
	change(&l)
	return l
}

func (l *line) moment() Moment {
	m := Moment{Found: l.found, Continues: l.continues}
	if l.seen != nil {
		m.Seen = start.Add(*l.seen)
	}
	if l.stamp != nil {
		m.Stamp = start.Add(*l.stamp)
	}
	return m
}

// number gives what is equal the same number, from 1 on, by when it first comes.
func number[T comparable](values []T) []int {
	known := map[T]int{}
	numbers := make([]int, len(values))
	for i, v := range values {
		if known[v] == 0 {
			known[v] = len(known) + 1
		}
		numbers[i] = known[v]
	}
	return numbers
}

// TestNext holds which lines are of one batch, and which of one run.
func TestNext(t *testing.T) {
	const µs, ms = time.Microsecond, time.Millisecond
	large := func(l *line) { l.size = largeWrite }
	more := func(l *line) { l.continues = true }
	paused := func(l *line) { l.paused = true }
	found := func(n int64) func(*line) { return func(l *line) { l.found = n } }
	lineOfNeither := line{size: 100}
	tests := []struct {
		name          string
		lines         []line
		batches, runs []int
	}{
		{"a file: found together", []line{seen(0), seen(0), seen(0)}, []int{1, 1, 1}, []int{1, 1, 1}},
		{"a file: found apart", []line{seen(0), seen(ms), seen(ms), seen(2 * ms)}, []int{1, 2, 2, 3}, []int{1, 2, 2, 3}},
		{"a file: as fast as a disk, few bytes", []line{seen(0), seen(25 * µs)}, []int{1, 1}, []int{1, 1}},
		{"a file: hardly slower, few bytes", []line{seen(0), seen(26 * µs)}, []int{1, 2}, []int{1, 2}},
		{"a file: a clock that is set back", []line{seen(0), seen(-time.Hour), seen(-ms), seen(0)}, []int{1, 1, 1, 1}, []int{1, 1, 1, 1}},
		{"a file: a line in two parts", []line{seen(0), seen(ms).with(more)}, []int{1, 1}, []int{1, 1}},
		{"a file: behind a line in two parts", []line{seen(0), seen(ms).with(more), seen(ms), seen(2 * ms)}, []int{1, 1, 1, 2}, []int{1, 1, 1, 2}},
		{"a file: as slow as the slowest disk", []line{seen(0), seen(10 * ms).with(found(40_000))}, []int{1, 1}, []int{1, 1}},
		{"a file: slower than that", []line{seen(0), seen(10 * ms).with(found(39_999))}, []int{1, 2}, []int{1, 2}},
		{"a file: slower than that, in two parts", []line{seen(0), seen(time.Second).with(more)}, []int{1, 1}, []int{1, 1}},
		{"a file: a pause, though found together", []line{seen(0), seen(0).with(paused), seen(0)}, []int{1, 2, 2}, []int{1, 2, 2}},
		{
			"a file: a pause, though it goes on",
			[]line{seen(0), seen(ms).with(func(l *line) { l.paused, l.continues, l.found = true, true, 1<<30 })},
			[]int{1, 2},
			[]int{1, 2},
		},

		{"a collector: at once", []line{stamped(0), stamped(0), stamped(runGap)}, []int{1, 1, 1}, []int{1, 1, 1}},
		{"a collector: each soon after the last", []line{stamped(0), stamped(ms), stamped(2 * ms)}, []int{1, 1, 1}, []int{1, 2, 3}},
		{"a collector: not at once", []line{stamped(0), stamped(runGap + 1), stamped(runGap + 2)}, []int{1, 1, 1}, []int{1, 2, 2}},
		{"a collector: apart", []line{stamped(0), stamped(ms + 1)}, []int{1, 2}, []int{1, 2}},
		{"a collector: backwards", []line{stamped(ms), stamped(0), stamped(ms + runGap)}, []int{1, 1, 1}, []int{1, 1, 1}},
		{"a collector: a line in pieces", []line{stamped(0), stamped(time.Second).with(more)}, []int{1, 1}, []int{1, 1}},
		{"a collector: a pause", []line{stamped(0), stamped(0).with(paused)}, []int{1, 2}, []int{1, 2}},
		{"a collector: held up by a large write", []line{stamped(0).with(large), stamped(20 * ms)}, []int{1, 1}, []int{1, 1}},
		{"a collector: held up for too long", []line{stamped(0).with(large), stamped(20*ms + 1)}, []int{1, 2}, []int{1, 2}},
		{"a collector: no large write", []line{stamped(0).with(func(l *line) { l.size = largeWrite - 1 }), stamped(20 * ms)}, []int{1, 2}, []int{1, 2}},
		{
			"a collector: a large write in many lines",
			[]line{stamped(0).with(func(l *line) { l.size = largeWrite / 2 }), stamped(ms).with(func(l *line) { l.size = largeWrite / 2 }), stamped(21 * ms)},
			[]int{1, 1, 1},
			[]int{1, 2, 2},
		},
		{
			"a collector: each large write holds up once",
			[]line{stamped(0).with(large), stamped(10 * ms), stamped(20 * ms)},
			[]int{1, 1, 2},
			[]int{1, 1, 2},
		},
		{
			"a collector: what was found does not matter",
			[]line{stamped(0), stamped(10 * ms).with(found(1 << 30))},
			[]int{1, 2},
			[]int{1, 2},
		},
		{
			"a collector's stamp counts before what was found",
			[]line{{seen: new(time.Duration), stamp: new(time.Duration), size: 100}, {seen: new(time.Duration), stamp: new(5 * ms), size: 100}},
			[]int{1, 2},
			[]int{1, 2},
		},

		{"history", []line{lineOfNeither, lineOfNeither, lineOfNeither.with(paused)}, []int{1, 1, 1}, []int{1, 1, 1}},
		{"history, then a file", []line{lineOfNeither, seen(0), seen(0)}, []int{1, 2, 2}, []int{1, 2, 2}},
		{
			"a line that nobody stamped between two",
			[]line{stamped(0), lineOfNeither, stamped(0), lineOfNeither},
			[]int{1, 2, 3, 2},
			[]int{1, 1, 2, 2},
		},
		{"microseconds of a file", []line{seen(0), seen(100 * µs)}, []int{1, 2}, []int{1, 2}},
		{"microseconds of a collector", []line{stamped(0), stamped(100 * µs)}, []int{1, 1}, []int{1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tr Tracker
			var batches []*Batch
			var runs []uint64
			for _, l := range tt.lines {
				if l.paused {
					tr.Pause()
				}
				b, run := tr.Next(l.moment(), l.size)
				if want := l.seen != nil || l.stamp != nil; b.Known() != want {
					t.Errorf("known: %v, want %v", b.Known(), want)
				}
				batches, runs = append(batches, b), append(runs, run)
			}
			if diff := cmp.Diff(tt.batches, number(batches)); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.runs, number(runs)); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
			for i, b := range batches {
				if now := batches[len(batches)-1]; b != now && b.Known() && !b.Over() {
					t.Errorf("the batch of line %d is not over", i+1)
				} else if b == now && b.Over() {
					t.Errorf("the batch of line %d, which is the last line's, is over", i+1)
				}
			}
		})
	}
}

// TestPause holds that after a pause the batch is over, and that of history never is.
func TestPause(t *testing.T) {
	var tr Tracker
	tr.Pause() // Nothing has been read yet.
	old, _ := tr.Next(Moment{}, 100)
	tr.Pause()
	if old.Over() || old.Known() {
		t.Errorf("history: over %v, known %v", old.Over(), old.Known())
	}
	b, _ := tr.Next(Moment{Seen: start}, 100)
	if b.Over() {
		t.Error("it is over before the pause")
	}
	tr.Pause()
	tr.Pause()
	if !b.Over() {
		t.Error("it is not over after the pause")
	}
}

// TestFromAndTo holds between which moments a batch was written.
func TestFromAndTo(t *testing.T) {
	const second = time.Second
	first := start.UnixMilli()
	tests := []struct {
		name     string
		lines    []line
		from, to int64 // of the last line's batch
	}{
		{"the first", []line{seen(0)}, 0, first},
		{"the second", []line{seen(0), seen(second)}, first, first + 1000},
		{"one that is found late", []line{seen(0), seen(second), seen(2 * second).with(func(l *line) { l.continues = true })}, first, first + 2000},
		{"behind a pause", []line{seen(0), seen(second).with(func(l *line) { l.paused = true })}, first, first + 1000},
		{"a clock that is set back", []line{seen(0), seen(-second)}, 0, first},
		{"behind a clock that was set back", []line{seen(0), seen(-second), seen(second)}, first, first + 1000},
		{"stamps", []line{stamped(0), stamped(second), stamped(second + time.Millisecond)}, first, first + 1001},
		{"history", []line{seen(0), {size: 100}}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tr Tracker
			var b *Batch
			for _, l := range tt.lines {
				if l.paused {
					tr.Pause()
				}
				b, _ = tr.Next(l.moment(), l.size)
			}
			if b.From() != tt.from || b.To() != tt.to {
				t.Errorf("from %d to %d, want %d to %d", b.From(), b.To(), tt.from, tt.to)
			}
		})
	}
}

// TestBounds holds when the records of a batch were made, and when that is so long ago
// that they say nothing of each other. The batch was written between 5,000 and 9,000.
func TestBounds(t *testing.T) {
	at := func(milli int64) Moment { return Moment{Seen: time.UnixMilli(milli)} }
	tests := []struct {
		name             string
		begin            []int64
		earliest, latest int64
		late             bool
	}{
		{"no record", nil, 5000, 9000, false},
		{"at once", []int64{9000}, 9000, 9000, false},
		{"a while ago", []int64{8000}, 8000, 9000, false},
		{"long ago", []int64{7999}, 7999, 9000, true},
		{"before the last look", []int64{1000}, 1000, 9000, true},
		{"a clock that is ahead", []int64{12000}, 12000, 16000, false},
		{"the first counts", []int64{8500, 1000, 12000}, 8500, 9000, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tr Tracker
			tr.Next(at(5000), 100)
			b, _ := tr.Next(at(9000), 100)
			for _, when := range tt.begin {
				b.Begin(when)
			}
			earliest, latest := b.Bounds()
			if earliest != tt.earliest || latest != tt.latest || b.Late() != tt.late {
				t.Errorf("from %d to %d, late: %v; want %d, %d, %v", earliest, latest, b.Late(), tt.earliest, tt.latest, tt.late)
			}
		})
	}
}

// TestBoundsOfHistory holds that nothing is known of these.
func TestBoundsOfHistory(t *testing.T) {
	var tr Tracker
	b, _ := tr.Next(Moment{Found: 100, Continues: true}, 100)
	b.Begin(1000)
	if earliest, latest := b.Bounds(); earliest != 0 || latest != 0 || b.Late() {
		t.Errorf("from %d to %d, late: %v", earliest, latest, b.Late())
	}
}

// TestBoundsGrow holds that a batch goes on to be found, and may become late by that.
func TestBoundsGrow(t *testing.T) {
	var tr Tracker
	b, _ := tr.Next(Moment{Seen: start}, 100)
	b.Begin(start.UnixMilli())
	if b.Late() {
		t.Error("it is late at once")
	}
	tr.Next(Moment{Seen: start.Add(1001 * time.Millisecond), Continues: true}, 100)
	if _, latest := b.Bounds(); latest != start.UnixMilli()+1001 || !b.Late() {
		t.Errorf("to %d, late: %v", latest-start.UnixMilli(), b.Late())
	}
}

// TestNoAllocation holds that only a new batch is allocated.
func TestNoAllocation(t *testing.T) {
	var tr Tracker
	tr.Next(Moment{Seen: start}, 100)
	if n := testing.AllocsPerRun(100, func() { tr.Next(Moment{Seen: start}, 100) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
