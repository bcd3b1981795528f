package traefik

import (
	"net/netip"
	"time"
)

// standing is how sure it is that a failure is whose line says so.
type standing uint8

const (
	forged    standing = iota // it is contradicted
	doubtful                  // nothing is known of it
	plausible                 // its count, and that before it, are right as far as it is known
	proven
)

const (
	// vouching is for how long a proven failure vouches for others of its address:
	// for credit plausible ones, of which each doubtful one takes several.
	vouching     = time.Hour
	credit       = 16
	mostCredit   = 8 * credit
	doubtfulCost = 8
	// maxWaiting and maxVouched bound what is remembered.
	maxWaiting = 512
	maxVouched = 8192
)

// trust lets proven failures vouch for others of their addresses.
type trust struct {
	latest  time.Time // of what is proven
	vouched map[netip.Addr]voucher
	waiting []failure
	next    int // which of those that wait goes next, if there are too many
}

type voucher struct {
	credit int
	at     time.Time
}

// judge appends a failure if it counts or is contradicted; else it waits.
func (t *trust) judge(dst []Verdict, f failure) []Verdict {
	switch f.is {
	case proven:
		return t.prove(dst, f)
	case forged:
		f.Reason = Forged
		return f.tell(dst)
	}
	if t.spend(&f) {
		return f.tell(dst)
	}
	if len(t.waiting) < maxWaiting {
		t.waiting = append(t.waiting, f)
		return dst
	}
	w := &t.waiting[t.next]
	dst, *w = w.reject(dst), f
	t.next = (t.next + 1) % maxWaiting
	return dst
}

// prove counts a failure, and those that have waited for it.
func (t *trust) prove(dst []Verdict, f failure) []Verdict {
	if f.Time.After(t.latest) {
		t.latest = f.Time
	}
	if t.vouched == nil || len(t.vouched) >= maxVouched {
		t.vouched = make(map[netip.Addr]voucher)
	}
	who := network(f.Addr)
	v := t.vouched[who]
	t.vouched[who] = voucher{min(v.credit+credit, mostCredit), f.Time}
	dst = f.tell(dst)
	return t.sift(dst, func(dst []Verdict, w *failure) ([]Verdict, bool) {
		if network(w.Addr) == who && t.spend(w) {
			return w.tell(dst), false
		}
		return dst, true
	})
}

// spend reports whether somebody vouches for a failure, who then does for fewer.
func (t *trust) spend(f *failure) bool {
	cost := 1
	if f.is == doubtful {
		cost = doubtfulCost
	}
	who := network(f.Addr)
	v, ok := t.vouched[who]
	if !ok || v.credit < cost || f.Time.Sub(v.at).Abs() > vouching {
		return false
	}
	v.credit -= cost
	t.vouched[who] = v
	return true
}

// expire rejects those that have waited in vain.
func (t *trust) expire(dst []Verdict, vain func(*failure) bool) []Verdict {
	return t.sift(dst, func(dst []Verdict, w *failure) ([]Verdict, bool) {
		if vain(w) {
			return w.reject(dst), false
		}
		return dst, true
	})
}

// sift takes away those of whom keep tells that they need not wait.
func (t *trust) sift(dst []Verdict, keep func([]Verdict, *failure) ([]Verdict, bool)) []Verdict {
	n := 0
	for i := range t.waiting {
		var stays bool
		w := &t.waiting[i]
		if dst, stays = keep(dst, w); stays {
			if n != i {
				t.waiting[n] = *w
			}
			n++
		}
	}
	if n < len(t.waiting) {
		t.waiting, t.next = t.waiting[:n], 0
	}
	return dst
}

// network is the address, or the /64 that one customer has.
func network(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}

// reject appends a failure for which nobody vouched.
func (f *failure) reject(dst []Verdict) []Verdict {
	f.Reason = Unproven
	if f.n == 0 && !f.sealed {
		f.Reason = NoCount
	}
	return f.tell(dst)
}

// tell appends the verdict, and that of the other kind.
func (f *failure) tell(dst []Verdict) []Verdict {
	dst = append(dst, f.Verdict)
	if f.also != None {
		dst = append(dst, f.Verdict)
		dst[len(dst)-1].Kind = f.also
	}
	return dst
}
