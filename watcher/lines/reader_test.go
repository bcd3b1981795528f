package lines

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sinktest"
	"odooban/watcher"
)

func TestReader(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"lines", "one\r\ntwo\n", []string{"one", "two"}},
		{"no end", "one\ntwo", []string{"one", "two"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := sinktest.New()
			err := NewReader("stdin", iotest.OneByteReader(strings.NewReader(tt.text))).Follow(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if n := len(tt.want); n > 0 && !slices.Contains(c.SettledAt, n) {
				t.Errorf("settled after %v, want after %d", c.SettledAt, n)
			}
			if slices.ContainsFunc(c.Seen, time.Time.IsZero) {
				t.Error("a line is not live")
			}
		})
	}
}

func TestReaderSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := io.Pipe()
		c := sinktest.New()
		done := make(chan error)
		go func() { done <- NewReader("pipe", from).Follow(t.Context(), c) }()
		at := func(want ...int) {
			t.Helper()
			synctest.Wait()
			c.Mu.Lock()
			defer c.Mu.Unlock()
			if !slices.Equal(c.SettledAt, want) {
				t.Errorf("settled after %v, want after %v", c.SettledAt, want)
			}
		}
		time.Sleep(time.Second)
		at()
		io.WriteString(to, "one\n")
		time.Sleep(watcher.SettleTime - 1)
		io.WriteString(to, "two\n")
		time.Sleep(watcher.SettleTime - 1)
		at()
		time.Sleep(time.Nanosecond)
		at(2)
		time.Sleep(time.Second)
		at(2)
		io.WriteString(to, "three")
		to.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		at(2, 3)
	})
}

func TestReaderError(t *testing.T) {
	broken, c := errors.New("broken"), sinktest.New()
	from := io.MultiReader(strings.NewReader("one\ntw"), iotest.ErrReader(broken))
	err := NewReader("stdin", from).Follow(t.Context(), c)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "read stdin: ") {
		t.Errorf("Follow gave %v", err)
	}
	if diff := cmp.Diff([]string{"one"}, c.Lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	defer to.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := sinktest.New()
	stop := sinktest.Follow(t, NewReader("pipe", from), c)
	to.WriteString("one\n")
	c.AwaitLines(t, 1)
	stop()
	cancel()
	if err := NewReader("pipe", from).Follow(ctx, c); err != nil {
		t.Errorf("Follow gave %v", err)
	}
}
