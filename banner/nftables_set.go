package banner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// nftSet is a set of networks of one length. Such a set is looked up in one
// step after the address was masked, however many members it has; sets of
// intervals, which hold all lengths, take 49 ms a ban with 100,000 members.
type nftSet struct {
	family int // 4 or 6
	bits   int
}

// setOf returns the set that a prefix belongs into.
func setOf(p netip.Prefix) nftSet {
	if p.Addr().Is4() {
		return nftSet{4, p.Bits()}
	}
	return nftSet{6, p.Bits()}
}

// name is banned4 or banned6 for single addresses, and like banned6_64 for
// networks.
func (s nftSet) name() string {
	if s.bits == s.maxBits() {
		return fmt.Sprintf("banned%d", s.family)
	}
	return fmt.Sprintf("banned%d_%d", s.family, s.bits)
}

// setNamed reads what name has written.
func setNamed(name string) (s nftSet, ok bool) {
	rest, _ := strings.CutPrefix(name, "banned")
	family, length, _ := strings.Cut(rest, "_")
	s.family, _ = strconv.Atoi(family)
	if s.bits = s.maxBits(); length != "" {
		s.bits, _ = strconv.Atoi(length)
	}
	ok = (s.family == 4 || s.family == 6) && s.bits > 0 && s.bits <= s.maxBits() && s.name() == name
	return s, ok
}

func (s nftSet) maxBits() int {
	if s.family == 4 {
		return 32
	}
	return 128
}

// batch is how many members fit into one message: of larger ones the kernel
// has stored a part without an error.
func (s nftSet) batch() int {
	if s.family == 4 {
		return 1000
	}
	return 500
}

func (s nftSet) set() *nftables.Set {
	keys := nftables.TypeIPAddr
	if s.family == 6 {
		keys = nftables.TypeIP6Addr
	}
	return &nftables.Set{Table: nftTable(), Name: s.name(), KeyType: keys, HasTimeout: true}
}

// fits says whether a set of the kernel is as ours.
func (s nftSet) fits(k *nftables.Set) bool {
	return k.HasTimeout && !k.Interval && !k.IsMap && k.KeyType.Name == s.set().KeyType.Name
}

// prefix returns what an element bans.
func (s nftSet) prefix(e nftables.SetElement) (netip.Prefix, bool) {
	addr, ok := netip.AddrFromSlice(e.Key)
	p := netip.PrefixFrom(addr, s.bits)
	return p, ok && p.IsValid() && addr.BitLen() == s.maxBits()
}

// nftFacts is what the kernel says about a set.
type nftFacts struct {
	// members is how many there are, some of which may have run out; negative
	// when the kernel does not say, before Linux 6.16.
	members int
	// counts says that the members count their packets.
	counts bool
}

// facts asks the kernel. A set that is not there is an error.
func (s nftSet) facts(c *nfnetlink.Conn) (facts nftFacts, err error) {
	// NFTA_SET_EXPR and NFTA_SET_COUNT of include/uapi/linux/netfilter/nf_tables.h
	const expressions, count = 17, 20
	facts.members = -1
	b := nfnetlink.Attr(aboutNFT(), unix.NFTA_SET_TABLE, nl.ZeroTerminated(nftName))
	b = nfnetlink.Attr(b, unix.NFTA_SET_NAME, nl.ZeroTerminated(s.name()))
	err = c.Call(unix.NFNL_SUBSYS_NFTABLES, unix.NFT_MSG_GETSET, 0, b, func(payload []byte) error {
		return nfnetlink.EachAttr(payload[min(len(payload), nl.SizeofNfgenmsg):], func(kind uint16, value []byte) error {
			switch {
			case kind == count && len(value) == 4:
				facts.members = int(binary.BigEndian.Uint32(value))
			case kind == expressions:
				facts.counts = true
			}
			return nil
		})
	})
	return facts, err
}

// missing says how many of the prefixes are not members.
func (s nftSet) missing(ctx context.Context, c *nfnetlink.Conn, prefixes []netip.Prefix) (int, error) {
	facts, err := s.facts(c)
	switch {
	case errors.Is(err, syscall.ENOENT):
		return len(prefixes), nil
	case err != nil:
		return 0, err
	case facts.members >= 0 && facts.members < len(prefixes):
		return len(prefixes) - facts.members, nil
	}
	sample := prefixes[:min(len(prefixes), sampleSize)]
	found, err := s.find(c, sample)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return 0, err
	}
	return len(sample) - len(found), nil
}

func aboutNFT() []byte { return []byte{unix.NFPROTO_INET, nl.NFNETLINK_V0, 0, 0} }
