// SPDX-License-Identifier: ISC
// trust.go CA PROXY HOST:PORT... - Go's verdict on the leaf for each host.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

func try(roots *x509.CertPool, proxy, authority string) error {
	conn, err := net.DialTimeout("tcp", proxy, 20*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority)
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	host, _, err := net.SplitHostPort(authority)
	if err != nil {
		return err
	}
	return tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: host}).Handshake()
}

func main() {
	pem, err := os.ReadFile(os.Args[1])
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		panic("no CA")
	}
	for _, authority := range os.Args[3:] {
		verdict := "ok"
		if err := try(roots, os.Args[2], authority); err != nil {
			verdict = err.Error()
		}
		fmt.Println(authority, verdict)
	}
}
