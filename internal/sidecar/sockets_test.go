package sidecar

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/netnstest"
)

// Lines of a machine whose byte order is little-endian, as all are that Docker
// runs on; the port is in the network's everywhere.
const sockets = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11
   1: 0B00007F:9C41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12
   2: 020012AC:0050 320071CB:C350 01 00000000:00000000 00:00000000 00000000     0        0 13
   3: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0 0 0 14
   4: 00000000000000000000000001000000:1F85 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0 0 0 15
   5: 0000000000000000FFFF00000100007F:1F86 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0 0 0 16
`

func TestListeners(t *testing.T) {
	if diff := cmp.Diff([]uint16{80, 443}, listeners(strings.NewReader(sockets))); diff != "" {
		t.Errorf("ports that are served to others (-want +got):\n%s", diff)
	}
}

// Both ways to ask give the same.
func TestListening(t *testing.T) {
	server := netnstest.New(t, 1).Server
	for _, at := range []string{
		"0.0.0.0:80", "[::]:443", server.Addr4.String() + ":8069", "[" + server.Addr6.String() + "]:8072",
		"127.0.0.1:1", "127.0.0.11:2", "[::1]:3", "[::ffff:127.0.0.1]:4",
	} {
		err := server.Do(func() error {
			listener, err := net.Listen("tcp", at)
			if err == nil {
				t.Cleanup(func() { listener.Close() })
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var asked, listed []uint16
	err := server.Do(func() (err error) {
		var errs [2]error
		asked, errs[0] = diagnosed()
		listed, errs[1] = tabled()
		return errors.Join(errs[:]...)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range [][]uint16{asked, listed} {
		if diff := cmp.Diff([]uint16{80, 443, 8069, 8072}, slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("ports that are served to others (-want +got):\n%s", diff)
		}
	}
}

func FuzzDiagnosedAddr(f *testing.F) {
	f.Add([]byte("\x02\x0a\x00\x00\x00\x50\x00\x00\x7f\x00\x00\x0b0123456789ab"))
	f.Add([]byte("\x0a\x0a\x00\x00\x01\xbb\x00\x000123456789abcdef"))
	f.Add([]byte("\x02"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if local, ok := diagnosedAddr(answer); ok != local.IsValid() {
			t.Errorf("read %v, %t", local, ok)
		}
	})
}

func FuzzListeners(f *testing.F) {
	f.Add(sockets)
	f.Add("0: 000000:0050 0 0A\n0: 00000000 0 0A\n0: 00000000:10050 0 0A\n0: : 0 0A")
	f.Fuzz(func(t *testing.T, table string) {
		if got, most := len(listeners(strings.NewReader(table))), strings.Count(table, "0A"); got > most {
			t.Errorf("%d listeners out of %d", got, most)
		}
	})
}
