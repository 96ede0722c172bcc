// SPDX-License-Identifier: ISC
// Trust.java HOST:PORT... - Java's verdict on the leaf for each host. Trust store and
// proxy are properties of the command line.
import java.io.InputStream;
import java.net.URL;
import javax.net.ssl.HttpsURLConnection;

public class Trust {
	public static void main(String[] hosts) {
		for (String authority : hosts) {
			String verdict = "ok";
			try {
				HttpsURLConnection c = (HttpsURLConnection)
				    new URL("https://" + authority + "/hello").openConnection();
				c.setConnectTimeout(20000);
				c.setReadTimeout(20000);
				try (InputStream in = c.getInputStream()) {
					in.readAllBytes();
				}
			} catch (Exception e) {
				verdict = e.toString().replace('\n', ' ');
			}
			System.out.println(authority + " " + verdict);
		}
	}
}
