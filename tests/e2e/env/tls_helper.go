// SPDX-License-Identifier: ISC

// Go's TLS client, and an origin that shows bytes no library would take for a
// certificate; see helper.py.
//
//	N get IP PORT HOST PROXY CA PATH      N ok|refused CODE TEXT
//	N serve KEY CHAIN -                   N PORT; later: open|heard|closed PORT [PATH]
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

var saying sync.Mutex

func say(words ...string) {
	saying.Lock()
	defer saying.Unlock()
	for i, w := range words {
		words[i] = strings.NewReplacer("\t", " ", "\n", " ").Replace(w)
	}
	fmt.Println(strings.Join(words, "\t"))
}

func connect(ip, port, host, proxy string) (net.Conn, error) {
	if proxy == "-" {
		return net.Dial("tcp", net.JoinHostPort(ip, port))
	}
	auth := ""
	if at := strings.LastIndex(proxy, "@"); at >= 0 {
		auth = "Proxy-Authorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte(proxy[:at]+":")) + "\r\n"
		proxy = proxy[at+1:]
	}
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		return nil, err
	}
	target := net.JoinHostPort(host, port)
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", target, target, auth)
	head := make([]byte, 0, 512)
	one := make([]byte, 1)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		if _, err := conn.Read(one); err != nil {
			return nil, err
		}
		head = append(head, one[0])
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 200") {
		return nil, errors.New("CONNECT: " + string(head))
	}
	return conn, nil
}

func get(number, ip, port, host, proxy, ca, path string) {
	conn, err := connect(ip, port, host, proxy)
	if err != nil {
		say(number, "refused", "connect", err.Error())
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	roots := x509.NewCertPool()
	text, _ := os.ReadFile(ca)
	roots.AppendCertsFromPEM(text)
	secure := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: roots})
	if err = secure.Handshake(); err == nil {
		fmt.Fprintf(secure, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
			net.JoinHostPort(host, port))
		var line string
		line, err = bufio.NewReader(secure).ReadString('\n')
		if err == nil {
			say(number, "ok", strings.Split(line, " ")[1], "")
			return
		}
	}
	say(number, "refused", fmt.Sprintf("%T", err), err.Error())
}

func serve(number, key, chain string) {
	pair := tls.Certificate{}
	text, _ := os.ReadFile(key)
	block, _ := pem.Decode(text)
	pair.PrivateKey, _ = x509.ParsePKCS8PrivateKey(block.Bytes)
	text, _ = os.ReadFile(chain)
	for block, text = pem.Decode(text); block != nil; block, text = pem.Decode(text) {
		pair.Certificate = append(pair.Certificate, block.Bytes)
	}
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &pair, nil
	}}
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	say(number, port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		say("open", port)
		go answer(tls.Server(conn, config), port)
	}
}

func answer(conn *tls.Conn, port string) {
	defer say("closed", port)
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	say("heard", port, strings.Split(line+"  ", " ")[1])
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"+
		"Connection: close\r\n\r\n")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		w := strings.Split(lines.Text(), "\t")
		if w[1] == "get" {
			go get(w[0], w[2], w[3], w[4], w[5], w[6], w[7])
		} else {
			go serve(w[0], w[2], w[3])
		}
	}
}
