package window

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const never = int64(-1)

// start is when the tests' failures begin; they are written as milliseconds
// after it.
var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func at(ms int64) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestAdd(t *testing.T) {
	tests := []struct {
		name  string
		times []int64
		want  []int64 // what each Add reports
	}{
		{"within findtime", []int64{0, 400, 800}, []int64{never, never, 800}},
		{"exactly findtime apart", []int64{0, 500, 1000}, []int64{never, never, 1000}},
		{"a millisecond more", []int64{0, 500, 1001}, []int64{never, never, never}},
		{"slides", []int64{0, 500, 1001, 1500}, []int64{never, never, never, 1500}},
		{"slow for ever", []int64{0, 501, 1002, 1503, 2004}, []int64{never, never, never, never, never}},
		{"equal times", []int64{7, 7, 7}, []int64{never, never, 7}},
		{"begins anew", []int64{0, 0, 0, 0, 0, 0}, []int64{never, never, 0, never, never, 0}},
		{"backwards", []int64{800, 400, 0}, []int64{never, never, 800}},
		{"late in the middle", []int64{0, 1000, 500}, []int64{never, never, 1000}},
		{"late by exactly findtime", []int64{0, 1000, 2000, 1000}, []int64{never, never, never, 1000}},
		{"late completes an older run", []int64{0, 900, 1700, 100}, []int64{never, never, never, 900}},
		{"late completes the earlier of two", []int64{0, 900, 1700, 901}, []int64{never, never, never, 901}},
		{"late and near nothing", []int64{5000, 5500, 4400}, []int64{never, never, never}},
		{"far too late changes nothing", []int64{5000, 5100, -900_000, 5200}, []int64{never, never, never, 5200}},
		{"far too late when at capacity", []int64{0, 999, 1001, 2000, -900_000, 2001}, []int64{never, never, never, never, never, 2001}},
		{"far ahead begins anew", []int64{0, 100, 900_000, 200, 201, 202}, []int64{never, never, never, never, never, 202}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := New(3, time.Second, 10)
			var got []int64
			for _, ms := range tt.times {
				got = append(got, add(w, byteKey(1), ms))
				check(t, w)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Add of %v (-want +got):\n%s", tt.times, diff)
			}
		})
	}
}

// add returns the milliseconds after start that Add reports, or never. A full
// key begins anew.
func add(w *Window, key Key, ms int64) int64 {
	newest, full := addAnew(w, key, at(ms))
	if !full {
		return never
	}
	return newest.Sub(start).Milliseconds()
}

// addAnew adds a failure, and forgets all when they are full.
func addAnew(w *Window, key Key, t time.Time) (newest time.Time, full bool) {
	if newest, full = w.Add(key, t, always); full {
		w.Forget(key, time.UnixMilli(-1<<60), time.UnixMilli(1<<60))
	}
	return newest, full
}

func always(time.Time) bool { return true }

func TestEveryOrderIsFullAtTheLast(t *testing.T) {
	times := []int64{0, 300, 300, 700, 1000}
	permute(times, 0, func(order []int64) {
		w := New(len(order), time.Second, 10)
		for i, ms := range order {
			want := never
			if i == len(order)-1 {
				want = 1000
			}
			if got := add(w, byteKey(1), ms); got != want {
				t.Fatalf("order %v: failure %d reports %d, want %d", order, i, got, want)
			}
		}
	})
}

func permute(s []int64, from int, visit func([]int64)) {
	if from == len(s) {
		visit(s)
	}
	for i := from; i < len(s); i++ {
		s[from], s[i] = s[i], s[from]
		permute(s, from+1, visit)
		s[from], s[i] = s[i], s[from]
	}
}

// A slow attacker has filled the key's memory when the clock goes back an hour;
// speeding up then must show at once, not an hour later.
func TestFollowsClockSetBack(t *testing.T) {
	const maxretry, hour = 10, 3_600_000
	w := New(maxretry, time.Second, 10)
	for i := range int64(40) {
		if got := add(w, byteKey(1), i*112); got != never {
			t.Fatalf("slow failure %d is full", i)
		}
	}
	for i := range int64(maxretry) {
		want := never
		if i == maxretry-1 {
			want = -hour + i
		}
		if got := add(w, byteKey(1), -hour+i); got != want {
			t.Errorf("failure %d after the clock went back reports %d, want %d", i, got, want)
		}
		check(t, w)
	}
}

func TestReportsUTC(t *testing.T) {
	w := New(1, time.Second, 1)
	local := time.FixedZone("", 3600)
	newest, full := addAnew(w, Key{}, at(0).Add(999*time.Microsecond).In(local))
	if !full || newest != start {
		t.Errorf("Add = %v, %v; want %v, cut to the millisecond", newest, full, start)
	}
}

func TestForgetsTheKeySilentLongest(t *testing.T) {
	w := New(2, time.Minute, 2)
	add(w, byteKey(1), 0)
	add(w, byteKey(2), 1)
	add(w, byteKey(3), 2)
	if w.Len() != 2 || w.Forgotten() != 1 {
		t.Errorf("%d keys kept, %d forgotten; want 2 and 1", w.Len(), w.Forgotten())
	}
	if got := add(w, byteKey(2), 3); got != 3 {
		t.Errorf("key 2 reports %d, want 3: it was heard of after key 1", got)
	}
	if got := add(w, byteKey(1), 4); got != never {
		t.Errorf("key 1 reports %d, but its first failure was forgotten", got)
	}
}

func TestMemoryFollowsTraffic(t *testing.T) {
	w := New(3, time.Second, 1000)
	for i := range byte(100) {
		add(w, byteKey(i), 0)
	}
	for i := range int64(50) {
		add(w, byteKey(200), 2001+i*600)
	}
	if w.Len() != 1 || w.Forgotten() != 0 {
		t.Errorf("%d keys kept, %d forgotten; want 1 and none", w.Len(), w.Forgotten())
	}
}

// A failure findtime late may need one that happened findtime before it.
func TestKeepsKeysThatLateFailuresNeed(t *testing.T) {
	w := New(2, time.Second, 1000)
	add(w, byteKey(1), 0)
	add(w, byteKey(2), 2000)
	if got := add(w, byteKey(1), 1000); got != 1000 {
		t.Errorf("late failure reports %d, want 1000", got)
	}
}

func TestOneStampFromTheFutureDoesNotEmptyTheWindow(t *testing.T) {
	w := New(2, time.Second, 1000)
	for i := range byte(100) {
		add(w, byteKey(i), 0)
	}
	add(w, byteKey(200), 900_000_000)
	if w.Len() < 99 {
		t.Errorf("%d keys are left of 100", w.Len())
	}
	if got := add(w, byteKey(50), 1); got != 1 {
		t.Errorf("key 50 reports %d, want 1", got)
	}
}

func TestTakesTheEarliestRunThatMayBe(t *testing.T) {
	w := New(2, time.Second, 10)
	notBefore := func(ms int64) func(time.Time) bool {
		return func(newest time.Time) bool { return !newest.Before(at(ms)) }
	}
	add(w, byteKey(1), 0)
	if newest, full := w.Add(byteKey(1), at(500), notBefore(501)); full {
		t.Errorf("full at %v, which must not be", newest)
	}
	if newest, full := w.Add(byteKey(1), at(900), notBefore(501)); !full || newest != at(900) {
		t.Errorf("Add = %v, %v; want the run that ends at %v", newest, full, at(900))
	}
	if newest, full := w.Add(byteKey(1), at(400), notBefore(401)); !full || newest != at(500) {
		t.Errorf("Add = %v, %v; want the run that ends at %v", newest, full, at(500))
	}
}

func TestForget(t *testing.T) {
	tests := []struct {
		name        string
		from, until int64
		want        []int64
	}{
		{"from and not until", 100, 300, []int64{0, 300}},
		{"nothing there", 101, 200, []int64{0, 100, 200, 300}},
		{"nothing at all", 300, 100, []int64{0, 100, 200, 300}},
		{"the first", -100, 1, []int64{100, 200, 300}},
		{"all", 0, 301, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := New(9, time.Second, 10)
			for ms := int64(0); ms <= 300; ms += 100 {
				add(w, byteKey(1), ms)
			}
			w.Forget(byteKey(1), at(tt.from), at(tt.until))
			w.Forget(byteKey(2), at(tt.from), at(tt.until))
			check(t, w)
			var got []int64
			if i := w.entries[root].older; i != root {
				for _, ms := range w.entries[i].times {
					got = append(got, ms-start.UnixMilli())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("times left (-want +got):\n%s", diff)
			}
		})
	}
}

// What is forgotten of some keys leaves the others as they are, whichever were
// heard of last.
func TestForgetAll(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	may := func(time.Time) bool { return true }
	w := New(3, time.Minute, 10)
	for i := range 6 {
		for n := range 2 {
			w.Add(Key{15: byte(i)}, at.Add(time.Duration(n)*time.Second), may)
		}
	}
	w.ForgetAll(func(k Key) bool { return k[15]%2 == 0 })
	if w.Len() != 3 || len(w.Times(Key{15: 2})) != 0 {
		t.Errorf("%d keys are left", w.Len())
	}
	if times := w.Times(Key{15: 3}); len(times) != 2 || !times[0].Equal(at) {
		t.Errorf("times of another: %v", times)
	}
	for i := range 6 {
		if _, full := w.Add(Key{15: byte(i)}, at.Add(2*time.Second), may); full != (i%2 == 1) {
			t.Errorf("key %d is full: %v", i, full)
		}
	}
	w.ForgetAll(func(Key) bool { return true })
	if w.Len() != 0 {
		t.Errorf("%d keys are left", w.Len())
	}
}
