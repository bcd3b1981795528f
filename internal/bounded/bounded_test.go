package bounded

import (
	"errors"
	"net"
	"testing"
)

// open listens, and accepts until it is closed, which accepted tells.
func open(t *testing.T, most int) (l net.Listener, accepted chan net.Conn) {
	t.Helper()
	all, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = Listen(all, most)
	t.Cleanup(func() { l.Close() })
	accepted = make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			accepted <- conn
		}
	}()
	return l, accepted
}

func dial(t *testing.T, l net.Listener) {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
}

// Who comes beyond the bound waits until somebody leaves.
func TestListen(t *testing.T) {
	l, accepted := open(t, 2)
	var in []net.Conn
	for range 2 {
		dial(t, l)
		in = append(in, <-accepted)
	}
	dial(t, l)
	select {
	case <-accepted:
		t.Fatal("accepted a third")
	default:
	}
	if got := l.(*listener); len(got.places) != 2 {
		t.Errorf("%d places are taken", len(got.places))
	}
	for range 2 { // a second time is nothing
		in[0].Close()
	}
	third := <-accepted
	if c, ok := third.(interface{ NetConn() net.Conn }); !ok || c.NetConn().RemoteAddr() != third.RemoteAddr() {
		t.Error("it hides the connection itself")
	}
	third.Close()
	in[1].Close()
}

// Close ends Accept, also while there is no place.
func TestClose(t *testing.T) {
	for _, taken := range []int{0, 1} {
		l, accepted := open(t, 1)
		for range taken {
			dial(t, l)
			conn := <-accepted
			t.Cleanup(func() { conn.Close() })
		}
		l.Close()
		if _, ok := <-accepted; ok {
			t.Error("accepted one that did not come")
		}
	}
}
