import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sends a file by Java's own client as it comes, which offers an upgrade to HTTP/2; prints the status and the body. */
public class Send {
    public static void main(String[] given) throws Exception {
        byte[] body = Files.readAllBytes(Path.of(given[2]));
        boolean chunked = given.length > 3;
        HttpRequest request = HttpRequest.newBuilder(URI.create(given[0]))
                .header("Authorization", given[1])
                .header("Content-Type", "application/json")
                .POST(chunked
                        ? HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))
                        : HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(response.statusCode());
        System.out.println(response.body());
    }
}
