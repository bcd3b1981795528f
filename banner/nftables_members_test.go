package banner

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// FuzzAnswer reads whatever may come as an answer about a member.
func FuzzAnswer(f *testing.F) {
	f.Add(nfnetlink.Nest(nftSet{4, 32}.appendName(nil), unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(b []byte) []byte {
		return nfnetlink.Nest(b, unix.NFTA_LIST_ELEM, func(b []byte) []byte {
			return nfnetlink.Attr(b, unix.NFTA_SET_ELEM_EXPIRATION, binary.BigEndian.AppendUint64(nil, 1500))
		})
	}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if until, err := readEnd(payload, time.Now()); err == nil && !until.IsZero() && len(payload) < 20 {
			t.Errorf("%x says when it ends", payload)
		}
	})
}
