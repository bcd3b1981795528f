package dockertest

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"
)

// GoProgram builds a static program out of a Go package and returns its path.
func GoProgram(t testing.TB, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	build(t, pkg, path)
	return path
}

func build(t testing.TB, pkg, path string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, out)
	}
}

// Image makes an image that holds these files and nothing else: from their
// path in it to the file that is taken. All are executable.
func (e *Engine) Image(t testing.TB, name string, files map[string]string) {
	t.Helper()
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeTar(w, files)) }()
	defer func() { _ = r.Close() }() // ends the writer, too
	e.Import(t, name, r)
}

// Import makes an image of a root file system, a tar.
func (e *Engine) Import(t testing.TB, name string, tar io.Reader) {
	t.Helper()
	must(t, "import "+name, func(ctx context.Context) (int64, error) {
		source := client.ImageImportSource{Source: tar, SourceName: "-"}
		answer, err := e.Client.ImageImport(ctx, source, name, client.ImageImportOptions{})
		if err != nil {
			return 0, err
		}
		defer answer.Close()
		return io.Copy(io.Discard, answer)
	})
}

func writeTar(w io.Writer, files map[string]string) error {
	archive := tar.NewWriter(w)
	for to, from := range files {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: strings.TrimPrefix(to, "/"), Mode: 0o755, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(content); err != nil {
			return err
		}
	}
	return archive.Close()
}
