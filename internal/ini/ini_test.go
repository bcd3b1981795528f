package ini

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       Sections
	}{
		{"empty", "", Sections{}},
		{"both signs, any case", "[options]\nLog_Level = warn\nlist_db: False\n", Sections{
			"options": {"log_level": "warn", "list_db": "False"},
		}},
		{"comments", "# x = 1\n[options]\n; y = 2\nz = 3\n", Sections{"options": {"z": "3"}}},
		{"values on several lines", "[a]\nx = 1\n  2\n\n\t3\ny =\n", Sections{"a": {"x": "1\n2\n3", "y": ""}}},
		{"a value with signs in it", "[a]\nx = b:c=d\n", Sections{"a": {"x": "b:c=d"}}},
		{"twice", "[a]\nx = 1\n[b]\n[a]\nx = 2\n", Sections{"a": {"x": "2"}}},
		{"no section", "x = 1\n", Sections{"": {"x": "1"}}},
		{"nonsense", "[a]\nnonsense\n  more\n= 1\n", Sections{}},
		{"DOS", "[a]\r\nx = 1\r\n", Sections{"a": {"x": "1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Parse([]byte(tt.text))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[options]\nlog_level = warn\n  more\nlist_db: %(b)s\nb = %(list_db)s\n"))
	f.Add([]byte("[\n]\n = \n :\n\t"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		for _, o := range Parse(text) {
			for _, value := range o {
				o.Interpolate(value)
			}
		}
	})
}
