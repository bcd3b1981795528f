package store

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// crashEnv, when it is set, makes this test binary write the journal crashFile
// of its working directory until it is killed.
const crashEnv = "ODOOBAN_TEST_STORE_CRASH"

const crashFile = "odooban/odooban.db"

func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) == "" {
		os.Exit(m.Run())
	}
	if err := writeUntilKilled(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
	}
	os.Exit(1)
}

// writeUntilKilled records batches, each with the number of failures so far as
// its position and a ban that has the same number, and writes a line for each.
func writeUntilKilled() error {
	j, err := Open(crashFile, Options{})
	if err != nil {
		return err
	}
	positions, err := j.Positions()
	if err != nil {
		return err
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
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for range 20 {
		acknowledged := writeAndKill(t, folder, 1+random.IntN(20), time.Duration(random.IntN(3000))*time.Microsecond)
		j, err := Open(filepath.Join(folder, crashFile), Options{Tell: func(e Event) { t.Error(e.Text) }})
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
			if f.Place != failure(i).Place {
				t.Fatalf("failure %d is at %v", i, f.Place)
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
func writeAndKill(t *testing.T, folder string, updates int, after time.Duration) (acknowledged int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writer := exec.CommandContext(t.Context(), self)
	writer.Dir = folder
	writer.Env = append(os.Environ(), crashEnv+"=1")
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
