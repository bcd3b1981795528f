package replay_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/internal/replay"
	"odooban/internal/samplelog"
)

// TestWorkersDoNotMatter holds that a log tells the same, however many read it.
func TestWorkersDoNotMatter(t *testing.T) {
	var log bytes.Buffer
	if _, err := samplelog.Odoo.Write(&log, 1, 4<<20); err != nil {
		t.Fatal(err)
	}
	path := write(t, "odoo.log", log.Bytes())
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want *replay.Report
	for _, workers := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(workers)
		got, err := replay.Run(t.Context(), []*replay.Log{open(t, path)}, builtIn(t), newJail(t), nil)
		if err != nil || len(got.Failures) == 0 {
			t.Fatal(err, got)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got, comparing, cmpopts.IgnoreUnexported(replay.Report{})); diff != "" {
			t.Errorf("report with %d workers (-one +more):\n%.2000s", workers, diff)
		}
	}
}
