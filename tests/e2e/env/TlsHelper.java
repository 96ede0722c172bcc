/* SPDX-License-Identifier: ISC */
/*
 * Java's TLS client; see helper.py.
 *   N get IP PORT HOST PROXY CA PATH      N ok|refused CODE TEXT
 */
import java.io.*;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.*;
import java.util.concurrent.*;
import javax.net.ssl.*;

public class TlsHelper {
	static final Map<String, SSLSocketFactory> factories = new HashMap<>();

	static synchronized void say(String... words) {
		for (int i = 0; i < words.length; i++)
			words[i] = words[i].replaceAll("[\t\r\n]", " ");
		System.out.println(String.join("\t", words));
		System.out.flush();
	}

	static synchronized SSLSocketFactory factory(String ca) throws Exception {
		SSLSocketFactory made = factories.get(ca);
		if (made != null)
			return made;
		KeyStore store = KeyStore.getInstance("PKCS12");
		store.load(null, null);
		int n = 0;
		try (InputStream in = new BufferedInputStream(new FileInputStream(ca))) {
			for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in))
				store.setCertificateEntry("ca" + n++, c);
		}
		TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
		trust.init(store);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, trust.getTrustManagers(), null);
		factories.put(ca, context.getSocketFactory());
		return factories.get(ca);
	}

	static Socket connect(String ip, int port, String host, String proxy) throws IOException {
		if (proxy.equals("-"))
			return new Socket(ip, port);
		String auth = "";
		int at = proxy.lastIndexOf('@');
		if (at >= 0)
			auth = "Proxy-Authorization: Basic " + Base64.getEncoder().encodeToString(
			    (proxy.substring(0, at) + ":").getBytes()) + "\r\n";
		String[] where = proxy.substring(at + 1).split(":");
		Socket socket = new Socket(where[0], Integer.parseInt(where[1]));
		String target = authority(host, port);
		socket.getOutputStream().write(("CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
		    "\r\n" + auth + "\r\n").getBytes());
		StringBuilder head = new StringBuilder();
		while (!head.toString().endsWith("\r\n\r\n")) {
			int c = socket.getInputStream().read();
			if (c < 0)
				throw new IOException("CONNECT: " + head);
			head.append((char) c);
		}
		if (!head.toString().startsWith("HTTP/1.1 200"))
			throw new IOException("CONNECT: " + head);
		return socket;
	}

	static String authority(String host, int port) {
		return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
	}

	static void get(String[] w) {
		int port = Integer.parseInt(w[3]);
		try (Socket plain = connect(w[2], port, w[4], w[5])) {
			plain.setSoTimeout(30000);
			SSLSocket secure = (SSLSocket) factory(w[6]).createSocket(plain, w[4], port, true);
			SSLParameters parameters = secure.getSSLParameters();
			parameters.setEndpointIdentificationAlgorithm("HTTPS");
			secure.setSSLParameters(parameters);
			secure.startHandshake();
			secure.getOutputStream().write(("GET " + w[7] + " HTTP/1.1\r\nHost: " +
			    authority(w[4], port) + "\r\nConnection: close\r\n\r\n").getBytes());
			String line = new BufferedReader(new InputStreamReader(secure.getInputStream(),
			    StandardCharsets.ISO_8859_1)).readLine();
			if (line == null)
				throw new EOFException("no answer");
			say(w[0], "ok", line.split(" ")[1], "");
		} catch (Throwable error) {
			Throwable last = error;
			while (last.getCause() != null)
				last = last.getCause();
			say(w[0], "refused", last.getClass().getSimpleName(),
			    String.valueOf(last.getMessage()));
		}
	}

	public static void main(String[] args) throws IOException {
		ExecutorService pool = Executors.newCachedThreadPool();
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		for (String line; (line = in.readLine()) != null;) {
			String[] words = line.split("\t");
			pool.submit(() -> get(words));
		}
		System.exit(0);
	}
}
