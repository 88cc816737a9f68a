package lab

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestKeyTellsPartsApart(t *testing.T) {
	keys := []string{key("ab", "c"), key("a", "bc"), key("abc"), key("c", "ab"), key("ab", "c", "")}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 5 {
		t.Errorf("different parts share a key: %q", keys)
	}
}

func TestKeyIsStable(t *testing.T) {
	if first, again := key("a", "b"), key("a", "b"); first != again {
		t.Error("the same parts give two keys")
	}
}

func TestContentsFollowsNames(t *testing.T) {
	fsys := fstest.MapFS{"x/b": {Data: []byte("2")}, "x/a/c": {Data: []byte("1")}, "y": {Data: []byte("3")}}
	want := []string{"x/a/c", "1", "x/b", "2"}
	if got := contents(fsys, "x"); !slices.Equal(got, want) {
		t.Errorf("contents = %q, want %q", got, want)
	}
}

func TestContentsOfNothingIsAFault(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("embedded files may be missing unnoticed")
		}
	}()
	contents(fstest.MapFS{}, ".")
}
