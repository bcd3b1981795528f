package banner

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// register is where the expressions of a rule hand values on.
const register = 1

// rule makes the rule for a set, like
//
//	meta l4proto { tcp, udp } th dport { 80, 443 } ip6 saddr & ffff:ffff:ffff:ffff:: @banned6_64 counter drop
//
// The address comes last: a member counts each packet that is looked up, which
// must be those that are dropped. The rule's own counter goes on from drops.
func (s nftSet) rule(
	nft *nftables.Conn, chain *nftables.Chain, ports []uint16, drops *expr.Counter,
) (*nftables.Rule, error) {
	var exprs []expr.Any
	if len(ports) > 0 {
		var err error
		if exprs, err = matchPorts(nft, chain.Table, ports); err != nil {
			return nil, err
		}
	}
	exprs = append(exprs, s.matchSource()...)
	if drops == nil {
		drops = new(expr.Counter)
	}
	exprs = append(exprs, drops, &expr.Verdict{Kind: expr.VerdictDrop})
	return &nftables.Rule{Table: chain.Table, Chain: chain, Exprs: exprs, UserData: s.mark(ports)}, nil
}

// matchSource matches packets from the members.
func (s nftSet) matchSource() []expr.Any {
	family, offset := byte(unix.NFPROTO_IPV4), uint32(12)
	if s.family == 6 {
		family, offset = unix.NFPROTO_IPV6, 8
	}
	size := uint32(s.maxBits() / 8)
	exprs := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{family}},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
	}
	if s.bits < s.maxBits() {
		exprs = append(exprs, &expr.Bitwise{
			SourceRegister: register, DestRegister: register, Len: size,
			Mask: net.CIDRMask(s.bits, s.maxBits()), Xor: make([]byte, size),
		})
	}
	return append(exprs, &expr.Lookup{SourceRegister: register, SetName: s.name()})
}

// matchPorts matches TCP and, for HTTP/3, UDP to the ports.
func matchPorts(nft *nftables.Conn, table *nftables.Table, ports []uint16) ([]expr.Any, error) {
	protocols := &nftables.Set{Table: table, Anonymous: true, Constant: true, KeyType: nftables.TypeInetProto}
	err := nft.AddSet(protocols, []nftables.SetElement{{Key: []byte{unix.IPPROTO_TCP}}, {Key: []byte{unix.IPPROTO_UDP}}})
	if err != nil {
		return nil, err
	}
	var elements []nftables.SetElement
	for _, p := range slices.Compact(slices.Sorted(slices.Values(ports))) {
		elements = append(elements, nftables.SetElement{Key: binaryutil.BigEndian.PutUint16(p)})
	}
	numbers := &nftables.Set{Table: table, Anonymous: true, Constant: true, KeyType: nftables.TypeInetService}
	if err := nft.AddSet(numbers, elements); err != nil {
		return nil, err
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Lookup{SourceRegister: register, SetName: protocols.Name, SetID: protocols.ID},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: register, SetName: numbers.Name, SetID: numbers.ID},
	}, nil
}

// mark is the comment that a rule is known again by: what it matches, in short.
func (s nftSet) mark(ports []uint16) []byte {
	sum := fnv.New32a()
	fmt.Fprint(sum, "ports first", slices.Compact(slices.Sorted(slices.Values(ports))))
	return userdata.AppendString(nil, userdata.TypeComment, fmt.Sprintf("odooban %s %08x", s.name(), sum.Sum32()))
}

// isRule says whether a rule that the kernel has is the one for the set.
func (s nftSet) isRule(r *nftables.Rule, ports []uint16) bool {
	want := len(s.matchSource()) + 2
	if len(ports) > 0 {
		want += 4
	}
	return len(r.Exprs) == want && bytes.Equal(r.UserData, s.mark(ports))
}
