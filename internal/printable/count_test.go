package printable

import "testing"

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		n         int
		one, want string
	}{
		{0, "ban", "0 bans"},
		{1, "ban", "1 ban"},
		{2, "failed login", "2 failed logins"},
		{1, "address", "1 address"},
		{3, "address", "3 addresses"},
	} {
		if got := Count(tt.n, tt.one); got != tt.want {
			t.Errorf("Count(%d, %q) = %q, want %q", tt.n, tt.one, got, tt.want)
		}
	}
}
