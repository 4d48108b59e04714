// A provider for tests: whoever gives any name and password is that person. One client, one redirect address.
// node provider.mjs FOLDER-WITH-node_modules PORT CLIENT-SECRET REDIRECT-URI...
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, port, secret, ...redirects] = process.argv.slice(2);
const module = join(folder, 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { default: Provider } = await import(pathToFileURL(module).href);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'kindred', client_secret: secret, redirect_uris: redirects }],
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  pkce: { required: () => true },
  cookies: { keys: ['only-for-tests'] },
  ttl: { AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600, AccessToken: 600 },
});
const server = provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
process.stdin.on('end', () => server.close(() => process.exit(0))).resume(); // ends with whoever started it
