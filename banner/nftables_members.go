package banner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// nftChange is what a transaction does to members: a command, and above it the
// flags of the message.
type nftChange int

const (
	nftAdd    nftChange = unix.NFT_MSG_NEWSETELEM | unix.NLM_F_CREATE<<16
	nftAddNew nftChange = nftAdd | unix.NLM_F_EXCL<<16
	nftDelete nftChange = unix.NFT_MSG_DELSETELEM
	// nftTransaction is how many members a transaction changes: three messages
	// for each have to fit into the socket's buffer.
	nftTransaction = 1500
)

// block adds members, however many, and makes sure that they are there.
func (s nftSet) block(ctx context.Context, c *nfnetlink.Conn, bans []Ban) error {
	for batch := range slices.Chunk(bans, nftTransaction) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.put(c, batch, time.Now())
		if err == nil && len(batch) > 1 {
			err = s.verify(c, batch)
		}
		if err != nil {
			return nftError(fmt.Sprintf("block %v and %d more in set %s", batch[0].Prefix, len(batch)-1, s.name()), err)
		}
	}
	return nil
}

// verify fails if only a part of a batch was stored: then the last is missing.
func (s nftSet) verify(c *nfnetlink.Conn, batch []Ban) error {
	last := batch[len(batch)-1]
	found, err := s.find(c, []netip.Prefix{last.Prefix})
	if err == nil && len(found) == 0 && last.Until.After(time.Now()) {
		err = fmt.Errorf("the kernel stored only a part of %d bans", len(batch))
	}
	return err
}

// put adds members, at most a transaction; one that is there gets the new end.
// Adding what is there changes nothing before Linux 6.12, and deleting what is
// not there is an error: so they are added, deleted and added, all at once. It
// is a third of the work where none is there.
func (s nftSet) put(c *nfnetlink.Conn, bans []Ban, now time.Time) error {
	prefixes := prefixesOf(bans[:min(len(bans), sampleSize)])
	// A transaction that fails takes the kernel some milliseconds.
	there, err := s.find(c, prefixes)
	if err != nil {
		return err
	}
	if len(there) == 0 {
		if err := s.change(c, bans, now, nftAddNew); !errors.Is(err, syscall.EEXIST) {
			return err
		}
	}
	return s.change(c, bans, now, nftAdd, nftDelete, nftAdd)
}

// drop deletes members, at most a transaction; one that is not there is no
// error.
func (s nftSet) drop(c *nfnetlink.Conn, prefixes []netip.Prefix) error {
	bans, now := make([]Ban, len(prefixes)), time.Now()
	for i, p := range prefixes {
		bans[i] = Ban{Prefix: p, Until: now.Add(time.Minute)}
	}
	return s.change(c, bans, now, nftAdd, nftDelete)
}

// change does one change after the other to all members, in one transaction.
func (s nftSet) change(c *nfnetlink.Conn, bans []Ban, now time.Time, changes ...nftChange) error {
	var b []byte
	last := uint32(0)
	b = nfnetlink.AppendRequest(b, unix.NFNL_MSG_BATCH_BEGIN, 0, last, aboutBatch)
	for _, change := range changes {
		for some := range slices.Chunk(bans, s.batch()) {
			last++
			kind, flags := unix.NFNL_SUBSYS_NFTABLES<<8|int(change&0xff), int(change>>16)|unix.NLM_F_ACK
			b = nfnetlink.AppendRequest(b, kind, flags, last, func(b []byte) []byte { return s.appendMembers(b, some, now) })
		}
	}
	b = nfnetlink.AppendRequest(b, unix.NFNL_MSG_BATCH_END, 0, last+1, aboutBatch)
	done := uint32(0)
	err := c.Exchange(b, func(_ uint32, _ []byte, err error) error {
		done++
		return err
	})
	if err == nil && done < last {
		err = errors.New("the kernel does not answer")
	}
	return err
}

// appendMembers appends the members, with how long they stay.
func (s nftSet) appendMembers(b []byte, bans []Ban, now time.Time) []byte {
	b = s.appendName(b)
	return nfnetlink.Nest(b, unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(b []byte) []byte {
		for _, ban := range bans {
			b = nfnetlink.Nest(b, unix.NFTA_LIST_ELEM, func(b []byte) []byte {
				b = appendKey(b, ban.Prefix)
				// Rounded up, no ban ends early.
				left := (ban.Until.Sub(now) + time.Second - 1).Truncate(time.Second)
				value := binary.BigEndian.AppendUint64(nil, uint64(left.Milliseconds()))
				return nfnetlink.Attr(b, unix.NFTA_SET_ELEM_TIMEOUT, value)
			})
		}
		return b
	})
}

// appendName begins the body of every request about members.
func (s nftSet) appendName(b []byte) []byte {
	b = append(b, aboutNFT()...)
	b = nfnetlink.Attr(b, unix.NFTA_SET_ELEM_LIST_TABLE, nl.ZeroTerminated(nftName))
	return nfnetlink.Attr(b, unix.NFTA_SET_ELEM_LIST_SET, nl.ZeroTerminated(s.name()))
}

func appendKey(b []byte, p netip.Prefix) []byte {
	return nfnetlink.Nest(b, unix.NFTA_SET_ELEM_KEY, func(b []byte) []byte {
		return nfnetlink.Attr(b, unix.NFTA_DATA_VALUE, p.Addr().AsSlice())
	})
}

// find returns which of the prefixes are members, and until when. It takes 4 µs
// for each; listing all members takes longer the more there are.
func (s nftSet) find(c *nfnetlink.Conn, prefixes []netip.Prefix) (found []Ban, err error) {
	var b []byte
	for some := range slices.Chunk(prefixes, sampleSize) {
		b = b[:0]
		for i, p := range some {
			const kind = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETSETELEM
			b = nfnetlink.AppendRequest(b, kind, 0, uint32(i), func(b []byte) []byte {
				return nfnetlink.Nest(s.appendName(b), unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(b []byte) []byte {
					return nfnetlink.Nest(b, unix.NFTA_LIST_ELEM, func(b []byte) []byte { return appendKey(b, p) })
				})
			})
		}
		now := time.Now()
		err := c.Exchange(b, func(i uint32, payload []byte, err error) error {
			if errors.Is(err, syscall.ENOENT) {
				return nil
			}
			if err == nil {
				ban := Ban{Prefix: some[i]}
				ban.Until, err = readEnd(payload, now)
				found = append(found, ban)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readEnd reads when a member ends from the answer to a request for it.
func readEnd(payload []byte, now time.Time) (until time.Time, err error) {
	err = nfnetlink.EachAttr(payload[min(len(payload), nl.SizeofNfgenmsg):], func(kind uint16, value []byte) error {
		if kind != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			return nil
		}
		return nfnetlink.EachAttr(value, func(_ uint16, member []byte) error {
			return nfnetlink.EachAttr(member, func(kind uint16, value []byte) error {
				if kind == unix.NFTA_SET_ELEM_EXPIRATION && len(value) == 8 {
					until = now.Add(time.Duration(binary.BigEndian.Uint64(value)) * time.Millisecond)
				}
				return nil
			})
		})
	})
	return until, err
}

// aboutBatch is the body of what begins and ends a transaction.
func aboutBatch(b []byte) []byte {
	return append(b, unix.AF_UNSPEC, nl.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES)
}
