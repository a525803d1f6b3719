// Package atomicfile writes files that are there whole or not at all.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// folderMode is for folders that have to be made on the way; the umask narrows it.
const folderMode fs.FileMode = 0o755

// Write puts data into the file path, with the permissions mode whatever the
// umask is, in place of what may be there. Folders that are missing are made
// (0755 less the umask; who wants others makes them before). When Write returns
// nil the data is on the disk; on an error, and also when the machine stops half
// way, path is what it was.
func Write(path string, data []byte, mode fs.FileMode) error {
	return put(path, data, mode, os.Rename)
}

// Create is Write for a file that must not be there yet: the error wraps
// fs.ErrExist where it is, and leaves it alone, also where two create it at once.
func Create(path string, data []byte, mode fs.FileMode) error {
	return put(path, data, mode, link)
}

// link gives a file a second name and takes the first away, unlike a rename only
// where the second is free. File systems without hard links get a check first.
func link(temp, path string) error {
	switch err := os.Link(temp, path); {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(temp, path)
}

// put writes a file beside path, from where move takes it to its place.
func put(path string, data []byte, mode fs.FileMode, move func(temp, path string) error) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return err
	}
	// CreateTemp makes the file 0600: nobody reads it before it has its mode.
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s was not written: %w", path, err), cleanUp(f))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(mode.Perm()); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = move(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// cleanUp removes a temporary file in whatever state it is.
func cleanUp(f *os.File) error {
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
