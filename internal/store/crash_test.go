package store

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// crashEnv names the journal that this test binary writes until it is killed.
const crashEnv = "ODOOBAN_TEST_STORE_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		os.Exit(writeUntilKilled(path))
	}
	os.Exit(m.Run())
}

// writeUntilKilled records batches, each with the number of failures so far as
// its position and a ban that has the same number, and writes a line for each.
func writeUntilKilled(path string) int {
	j, err := Open(path, Options{})
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	positions, err := j.Positions()
	if err != nil {
		return 1
	}
	n, _ := strconv.Atoi(positions["odoo.log"])
	for {
		batch := failures(n, n+1+n%50)
		n += len(batch)
		j.Update(func(tx *Tx) {
			tx.Record("odoo.log", strconv.Itoa(n), batch)
			tx.Ban(ban("203.0.113.7/32", n))
		})
		os.Stdout.WriteString(strconv.Itoa(n) + "\n")
	}
}

// TestKilledAtAnyMoment holds positions, failures and bans against each other
// after each of 20 SIGKILLs. What was acknowledged before one must be there.
func TestKilledAtAnyMoment(t *testing.T) {
	path := tempPath(t)
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for range 20 {
		acknowledged := writeAndKill(t, path, 1+random.IntN(40), time.Duration(random.IntN(3000))*time.Microsecond)
		j, err := Open(path, Options{Tell: func(e Event) { t.Error(e.Text) }})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(position(t, j, "odoo.log"))
		if n < acknowledged {
			t.Errorf("position %d, but %d was acknowledged", n, acknowledged)
		}
		read := all(t, j)
		if len(read) != n {
			t.Fatalf("position %d with %d failures", n, len(read))
		}
		for i, f := range read {
			if f.Key != failure(i).Key {
				t.Fatalf("failure %d is %s", i, f.Key)
			}
		}
		bans, err := j.Bans(noon)
		if err != nil || len(bans) == 0 || !bans[len(bans)-1].Time.Equal(ban("203.0.113.7/32", n).Time) {
			t.Fatalf("position %d with %d bans: %v", n, len(bans), err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeAndKill starts a writer, and kills it some microseconds after it has
// acknowledged so many Updates. It returns the last position it acknowledged.
func writeAndKill(t *testing.T, path string, updates int, after time.Duration) (acknowledged int) {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), crashEnv+"="+path)
	writer.Stderr = os.Stderr
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for seen := 0; lines.Scan(); {
		acknowledged, _ = strconv.Atoi(lines.Text())
		if seen++; seen == updates {
			time.AfterFunc(after, func() { _ = writer.Process.Kill() })
		}
	}
	_ = writer.Wait()
	if acknowledged == 0 {
		t.Fatal("the writer wrote nothing")
	}
	return acknowledged
}
