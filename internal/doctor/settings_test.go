package doctor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseINI(t *testing.T) {
	tests := []struct {
		name, text string
		want       sections
	}{
		{"empty", "", sections{}},
		{"both signs, any case", "[options]\nLog_Level = warn\nlist_db: False\n", sections{
			"options": {"log_level": "warn", "list_db": "False"},
		}},
		{"comments", "# x = 1\n[options]\n; y = 2\nz = 3\n", sections{"options": {"z": "3"}}},
		{"values on several lines", "[a]\nx = 1\n  2\n\n\t3\ny =\n", sections{"a": {"x": "1\n2\n3", "y": ""}}},
		{"a value with signs in it", "[a]\nx = b:c=d\n", sections{"a": {"x": "b:c=d"}}},
		{"twice", "[a]\nx = 1\n[b]\n[a]\nx = 2\n", sections{"a": {"x": "2"}}},
		{"no section", "x = 1\n", sections{"": {"x": "1"}}},
		{"nonsense", "[a]\nnonsense\n  more\n= 1\n", sections{}},
		{"DOS", "[a]\r\nx = 1\r\n", sections{"a": {"x": "1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseINI([]byte(tt.text))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseINI(f *testing.F) {
	f.Add([]byte("[options]\nlog_level = warn\n  more\nlist_db: False\n"))
	f.Add([]byte("[\n]\n = \n :\n\t"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		var s settings
		s.read(parseINI(text)["options"], "odoo.conf")
		s.hide()
	})
}

// What hides failed logins depends on all of these together, as in Odoo's own
// init_logger.
func TestHide(t *testing.T) {
	tests := []struct {
		name, conf string
		args, env  []string
		// want begins what is told; empty if nothing is hidden.
		want string
	}{
		{"nothing set", "", nil, nil, ""},
		{"info", "log_level = info", nil, nil, ""},
		{"warn", "log_level = warn", nil, nil, "log_level = warn in odoo.conf"},
		{"runbot is above info", "log_level = runbot", nil, nil, "log_level = runbot"},
		{"a level nobody knows", "log_level = loud", nil, nil, ""},
		{"the cure", "log_level = warn\nlog_handler = odoo.addons.base.models.res_users:INFO,werkzeug:INFO", nil, nil, ""},
		{"the root's is below log_level's", "log_level = warn\nlog_handler = :INFO", nil, nil, "log_level = warn"},
		{"the root's alone", "log_handler = :WARNING", nil, nil, "log_handler = :WARNING"},
		{"that of another logger", "log_handler = odoo.http:ERROR,odoo.addons.base.models.res_userss:ERROR", nil, nil, ""},
		{"a longer name", "log_handler = odoo.addons:INFO,odoo:ERROR", nil, nil, ""},
		{"the later of one name", "log_handler = odoo:INFO,odoo:ERROR", nil, nil, "log_handler = odoo:INFO,odoo:ERROR"},
		{"a list of Python's", "log_handler = [':INFO', 'odoo:CRITICAL']", nil, nil, "log_handler"},
		{"the command's level", "log_level = info", []string{"odoo", "--log-level=error"}, nil, "--log-level error in the command of x"},
		{"the command's level, apart", "", []string{"odoo", "--log-level", "warn"}, nil, "--log-level warn"},
		{"the command's level cures", "log_level = warn", []string{"odoo", "--log-level=info"}, nil, ""},
		{"the command's handler", "", []string{"--log-handler=odoo.addons.base:WARNING"}, nil, "--log-handler"},
		{"the command's handler cures", "log_level = warn", []string{"--log-handler", "odoo.addons.base.models.res_users:INFO"}, nil, ""},
		{"nothing behind the last argument", "", []string{"odoo", "--log-level"}, nil, ""},
		{"the environment", "", nil, []string{"PATH=/bin", "LOG_LEVEL=warn"}, "LOG_LEVEL=warn in the environment of x"},
		{"the environment is below the file", "log_level = info", nil, []string{"LOG_LEVEL=warn"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s settings
			s.read(parseINI([]byte("[options]\n" + tt.conf))["options"], "odoo.conf")
			s.environment(tt.env, "x")
			s.arguments(tt.args, "x")
			if got := s.hide(); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("hidden by %q", got)
			}
		})
	}
}
