package sidecar

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func FuzzListeners(f *testing.F) {
	f.Add(sockets)
	f.Add("0: 000000:0050 0 0A\n0: 00000000 0 0A\n0: 00000000:10050 0 0A\n0: : 0 0A")
	f.Fuzz(func(t *testing.T, table string) {
		if got, most := len(listeners(strings.NewReader(table))), strings.Count(table, "0A"); got > most {
			t.Errorf("%d listeners out of %d", got, most)
		}
	})
}
