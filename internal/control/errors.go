package control

import "errors"

// ErrDown says that no daemon listens at the socket.
var ErrDown = errors.New("the daemon is not running")

// ErrLost says that a daemon runs and that its socket was taken away.
var ErrLost = errors.New("odooban runs, and its socket was removed: systemctl restart odooban (bans stay in force)")

// ErrDenied says that the caller may not open the socket.
var ErrDenied = errors.New("no right to ask odooban; join the group odooban " +
	"(sudo usermod -aG odooban $USER, and log in again), or use sudo")

// wrongError is about what was asked, not about what came of it.
type wrongError struct{ error }

func (e *wrongError) Unwrap() error { return e.error }

// Wrong says whether err is about what was asked: an address that is none.
func Wrong(err error) bool {
	_, ok := errors.AsType[*wrongError](err)
	return ok
}
