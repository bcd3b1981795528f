package replay

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
	"odooban/watcher/finished"
	"odooban/watcher/rotated"
)

var day = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// part is a failed login, so many seconds into the day, and so much behind it
// that it has become certain.
func part(second int) string {
	stamp := day.Add(time.Duration(second) * time.Second).Format("2006-01-02 15:04:05,000")
	return stamp + " 401 INFO shop odoo.addons.base.models.res_users: Login failed for login:admin from 203.0.113.20 \n" +
		strings.Repeat(stamp+" 401 INFO shop odoo.http: "+strings.Repeat("nothing ", 1000)+"\n", 250)
}

// reads writes down which logs are read at the same time.
type reads struct {
	mu    sync.Mutex
	open  map[string]bool
	most  int
	order []string
}

// tracked is the content of a log. It tells reads when its reading begins and
// ends.
type tracked struct {
	io.Reader
	name  string
	reads *reads
}

func (r *tracked) Read(p []byte) (int, error) {
	r.reads.mu.Lock()
	defer r.reads.mu.Unlock()
	if _, known := r.reads.open[r.name]; !known {
		r.reads.open[r.name] = true
		r.reads.order = append(r.reads.order, r.name)
	}
	n, err := r.Reader.Read(p)
	if err != nil {
		r.reads.open[r.name] = false
	}
	now := 0
	for _, open := range r.reads.open {
		if open {
			now++
		}
	}
	r.reads.most = max(r.reads.most, now)
	return n, err
}

// piece is a log of a test: failures at these seconds.
type piece struct {
	name    string
	seconds []int
	unknown bool // when it begins cannot be told
}

func (p piece) log(r *reads) *Log {
	var text strings.Builder
	for _, second := range p.seconds {
		text.WriteString(part(second))
	}
	log := &Log{
		source: finished.NewReader(p.name, &tracked{strings.NewReader(text.String()), p.name, r}),
		path:   p.name, stem: rotated.Stem(p.name), ref: day,
	}
	if len(p.seconds) > 0 && !p.unknown {
		log.begins = day.Add(time.Duration(p.seconds[0]) * time.Second)
	}
	return log
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name   string
		pieces []piece
		want   string // the second of each failure
		opened string // the logs in the order in which they are opened
		most   int    // logs open at once, at most
	}{
		{"none", nil, "", "", 0},
		{"nothing in it", []piece{{"a", nil, false}}, "", "a", 0},
		{"one", []piece{{"a", []int{1, 2}, false}}, "1 2", "a", 1},
		{
			"one after the other, named backwards",
			[]piece{{"c", []int{5, 6}, false}, {"b", []int{3, 4}, false}, {"a", []int{1, 2}, false}},
			"1 2 3 4 5 6", "a b c", 1,
		},
		{
			"overlapping",
			[]piece{{"a", []int{1, 4, 7}, false}, {"b", []int{2, 5, 8}, false}, {"c", []int{9, 10}, false}},
			"1 2 4 5 7 8 9 10", "a b c", 2,
		},
		{
			"one within the other",
			[]piece{{"a", []int{1, 9}, false}, {"b", []int{3, 4}, false}},
			"1 3 4 9", "a b", 2,
		},
		{
			"at the same time, in the order of opening",
			[]piece{{"b", []int{2, 3}, false}, {"a", []int{1, 3}, false}},
			"1 2 3 3", "a b", 2,
		},
		{
			"beginning unknown",
			[]piece{{"a", []int{1, 2}, false}, {"b", []int{3}, true}},
			"1 2 3", "b a", 2,
		},
		{
			"pieces of one log are read one by one, the next a little ahead",
			[]piece{{"odoo.log", []int{5, 6}, false}, {"odoo.log.1", []int{3, 4}, false}, {"odoo.log.2.gz", []int{1, 2}, false}},
			"1 2 3 4 5 6",
			"odoo.log.2.gz odoo.log.1 odoo.log", 2,
		},
		{
			"two logs in pieces",
			[]piece{{"a.log", []int{5, 9}, false}, {"b.log", []int{6, 8}, false}, {"a.log.1", []int{1, 3}, false}, {"b.log.1", []int{2, 4}, false}},
			"1 2 3 4 5 6 8 9",
			"a.log.1 a.log b.log.1 b.log", 4,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := rules.Compile(rules.BuiltIn(), nil)
			if err != nil {
				t.Fatal(err)
			}
			read := &reads{open: make(map[string]bool)}
			var logs []*Log
			for _, p := range tt.pieces {
				logs = append(logs, p.log(read))
			}
			var got []string
			for _, found := range merge(t.Context(), set, join(logs), false) {
				for _, f := range found.failures {
					got = append(got, fmt.Sprint(int(f.Time.Sub(day).Seconds())))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.opened, strings.Join(read.order, " ")); diff != "" {
				t.Errorf("opened (-want +got):\n%s", diff)
			}
			if read.most > tt.most {
				t.Errorf("%d logs open at once, want at most %d", read.most, tt.most)
			}
		})
	}
}

// Times without a year are completed from when a log was last changed, so pieces
// that are years apart are read each by itself.
func TestJoinPartsWhatIsYearsApart(t *testing.T) {
	now, year := day, 365*24*time.Hour
	logs := []*Log{
		{stem: "odoo.log", path: "new", ref: now, begins: now.Add(-time.Hour)},
		{stem: "odoo.log", path: "older", ref: now.Add(-time.Hour), begins: now.Add(-2 * time.Hour)},
		{stem: "odoo.log", path: "ancient", ref: now.Add(-2 * year), begins: now.Add(-2*year - time.Hour)},
		{path: "standard input", ref: now},
		{path: "a pipe", ref: now},
	}
	var got [][]string
	for _, track := range join(logs) {
		var pieces []string
		for _, log := range track.pieces {
			pieces = append(pieces, log.path)
		}
		got = append(got, pieces)
	}
	want := [][]string{{"standard input"}, {"a pipe"}, {"ancient"}, {"older", "new"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tracks (-want +got):\n%s", diff)
	}
}

// What was rejected comes along at its place in the log, whatever its time, which may
// be forged: it does not change the order of failures.
func TestRejectedOrderNothing(t *testing.T) {
	failed := func(second int, offset int64) rules.Failure {
		return rules.Failure{Time: day.Add(time.Duration(second) * time.Second), Place: rules.Place{Offset: offset}}
	}
	rejected := func(second int, offset int64) rules.Rejection {
		return rules.Rejection{Failure: failed(second, offset)}
	}
	all := []*track{
		{found: found{
			failures: []rules.Failure{failed(1, 10), failed(4, 40), failed(5, 50)},
			rejected: []rules.Rejection{rejected(900, 5), rejected(-900, 20), rejected(2, 45), rejected(0, 60)},
		}},
		{found: found{rejected: []rules.Rejection{rejected(900, 7)}}},
		{found: found{failures: []rules.Failure{failed(3, 1)}, rejected: []rules.Rejection{rejected(4, 2)}}},
	}
	var got []string
	for open := all; len(open) > 0; {
		t := earliest(open)
		taken := t.take(open, nil)
		for _, r := range taken.rejected {
			got = append(got, fmt.Sprint("rejected ", r.Place.Offset))
		}
		for _, f := range taken.failures {
			got = append(got, fmt.Sprint("failed ", f.Time.Sub(day).Seconds()))
		}
		if t.empty() {
			open = slices.DeleteFunc(slices.Clone(open), func(other *track) bool { return other == t })
		}
	}
	want := []string{
		"rejected 7", "rejected 5", "rejected 20", "failed 1", "rejected 2", "failed 3",
		"rejected 45", "rejected 60", "failed 4", "failed 5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}
