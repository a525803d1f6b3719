// Package e2e tests bt against clients and nodes that are not its own, and at the
// pace of blocks. Its tests need what their files name and are built with the tag
// e2e:
//
//	make e2e
package e2e
