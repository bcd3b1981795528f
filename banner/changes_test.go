package banner

import (
	"testing"

	"github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// generation is the message that ends a change by a program.
func generation(by string) netlink.Message {
	body := nfnetlink.Attr32([]byte{0, 0, 0, 0}, unix.NFTA_GEN_ID, 7)
	return netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN},
		Data:   nfnetlink.Attr(body, unix.NFTA_GEN_PROC_NAME, nl.ZeroTerminated(by)),
	}
}

func TestAnyByOthers(t *testing.T) {
	rule := netlink.Message{Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWRULE}}
	garbled := generation("odooban")
	garbled.Data = garbled.Data[:len(garbled.Data)-3]
	for _, c := range []struct {
		name     string
		messages []netlink.Message
		want     bool
	}{
		{"nothing", nil, false},
		{"ours", []netlink.Message{rule, generation("odooban")}, false},
		{"not ended", []netlink.Message{rule}, false},
		{"another's", []netlink.Message{rule, generation("nft")}, true},
		{"another's of a longer name", []netlink.Message{generation("odooban-test")}, true},
		{"one of two", []netlink.Message{generation("odooban"), generation("iptables")}, true},
		{"garbled", []netlink.Message{garbled}, true},
		{"cut short", []netlink.Message{{Header: rule.Header, Data: []byte{1}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := anyByOthers(c.messages, []byte("odooban\x00")); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
