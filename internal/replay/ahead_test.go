package replay

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// counting yields one failure after another, in a buffer that it uses again, and
// says when it has ended.
func counting(log *Log, most int, ended *bool) func(yield func(*Log, found) bool) {
	return func(yield func(*Log, found) bool) {
		defer func() { *ended = true }()
		buffer := found{make([]rules.Failure, 1), make([]rules.Rejection, 1)}
		for n := range most {
			buffer.failures[0] = rules.Failure{Place: rules.Place{Offset: int64(n)}}
			buffer.rejected[0] = rules.Rejection{Failure: buffer.failures[0]}
			if !yield(log, buffer) {
				return
			}
		}
	}
}

func TestAheadKeepsWhatIsTaken(t *testing.T) {
	const most = 100
	log, ended := new(Log), false
	next, stop := ahead(counting(log, most, &ended))
	defer stop()
	var got, want []int64
	for n := range int64(most) {
		want = append(want, n)
	}
	for {
		of, found, ok := next()
		if !ok {
			break
		}
		if of != log {
			t.Fatal("the failures are said to be of another log")
		}
		for i, f := range found.failures {
			got = append(got, f.Place.Offset)
			if found.rejected[i].Failure != f {
				t.Errorf("with %v came what was rejected of %v", f, found.rejected[i])
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures taken (-want +got):\n%s", diff)
	}
}

func TestAheadStops(t *testing.T) {
	for _, taken := range []int{0, 1, 5} {
		ended := false
		next, stop := ahead(counting(new(Log), 1000, &ended))
		for range taken {
			next()
		}
		stop()
		if !ended {
			t.Errorf("after %d were taken, stop has not ended what makes them", taken)
		}
	}
}
