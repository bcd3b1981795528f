package banner

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzAnswer reads whatever may come as an answer about a member.
func FuzzAnswer(f *testing.F) {
	name := nftSet{4, 32}.appendName
	f.Add(appendRequest(nil, unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWSETELEM, 0, 7, func(b []byte) []byte {
		return nest(name(b), unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(b []byte) []byte {
			return nest(b, unix.NFTA_LIST_ELEM, func(b []byte) []byte {
				return attr(b, unix.NFTA_SET_ELEM_EXPIRATION, binary.BigEndian.AppendUint64(nil, 1500))
			})
		})
	}))
	f.Add(appendRequest(nil, unix.NLMSG_ERROR, 0, 7, func(b []byte) []byte {
		return binary.NativeEndian.AppendUint32(b, ^uint32(unix.ENOENT)+1)
	}))
	f.Add(appendRequest(nil, unix.NLMSG_NOOP, 0, 7, aboutBatch)[:17])
	f.Fuzz(func(t *testing.T, b []byte) {
		now := time.Now()
		_ = eachMessage(b, func(_ uint32, payload []byte, err error) error {
			if until, wrong := readEnd(payload, now); err == nil && wrong == nil && !until.IsZero() && len(payload) < 20 {
				t.Errorf("%x says when it ends", payload)
			}
			return nil
		})
	})
}
