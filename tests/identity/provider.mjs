// An identity provider for the tests: oidc-provider with two users, one resource and a log-in page.
//
//     node provider.mjs FOLDER RESOURCE…
//
// FOLDER has oidc-provider in its node_modules. Prints the issuer's address, then obeys a line of standard
// input at a time and answers each with a line; the end of the input ends the process.
//
//     rotate         signs by ES256 with a new key from now on (RS256 before), and still publishes the old one
//     clock SECONDS  issues tokens by a clock that differs by so much from this machine's

import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [folder, ...resources] = process.argv.slice(2);
const path = createRequire(`${folder}/`).resolve('oidc-provider');
const { Provider, interactionPolicy, errors } = await import(pathToFileURL(path).href);

const PASSWORDS = new Map([['alice', 'alice-password-4711'], ['bob', 'bob-password-0815']]);
const SCOPES = 'evals:read evals:write';
const TOKEN_SECONDS = 900;

// MCP clients are programs of the user's machine: their redirect address is a port of loopback.
const CONFIGURED_CLIENT = {
  client_id: 'evals-chat',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback'],
};

// Standard output has the answers only; oidc-provider writes its notices there too.
console.info = console.error;

let clockDifference = 0;
let issuing = 0;
const realNow = Date.now;
Date.now = () => realNow() + (issuing ? clockDifference * 1000 : 0);

// The newest key is the first one.
let keys = [newKey('RS256')];
let provider;

function newKey(alg) {
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg };
}

function configuration() {
  return {
    jwks: { keys },
    clients: [CONFIGURED_CLIENT],
    scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
    cookies: { keys: ['only-for-tests'] },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(_, resource) {
          if (!resources.includes(resource)) throw new errors.InvalidTarget();
          return {
            scope: SCOPES,
            audience: resource,
            accessTokenTTL: TOKEN_SECONDS,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: keys[0].alg } },
          };
        },
      },
    },
    findAccount: (_, id) => (PASSWORDS.has(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  };
}

function start(issuer) {
  provider = new Provider(issuer, configuration());
  provider.on('server_error', (_, error) => console.error(error));
  const answer = provider.callback();
  return (request, response) => {
    if (request.url === '/token') {
      issuing += 1;
      response.once('close', () => { issuing -= 1; });
    }
    const page = request.url.startsWith('/interaction/') ? interact : answer;
    Promise.resolve(page(request, response)).catch((error) => {
      console.error(error);
      response.writeHead(400, { 'Content-Type': 'text/plain' }).end(error.message);
    });
  };
}

async function interact(request, response) {
  const { uid, prompt, params, session } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(form(uid, prompt.name));
  } else if (prompt.name === 'login') {
    const { name, password } = await fields(request);
    const valid = PASSWORDS.has(name) && PASSWORDS.get(name) === password;
    const result = valid ? { login: { accountId: name } } : { error: 'access_denied' };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else {
    const consent = { grantId: await agreed(prompt, params, session) };
    await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  }
}

function form(uid, prompt) {
  const inputs = prompt === 'login' ? '<input name="name"><input name="password" type="password">' : '';
  return `<form method="post" action="/interaction/${uid}">${inputs}<button>${prompt}</button></form>`;
}

async function fields(request) {
  let body = '';
  for await (const part of request) body += part;
  return Object.fromEntries(new URLSearchParams(body));
}

async function agreed({ details }, { client_id: clientId }, { accountId }) {
  const grant = new provider.Grant({ accountId, clientId });
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}

const COMMANDS = {
  rotate() {
    keys = [newKey('ES256'), ...keys];
  },
  clock(seconds) {
    clockDifference = Number(seconds);
  },
};

const server = createServer((request, response) => handle(request, response));
let handle;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = start(issuer);
  console.log(issuer);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const [command, argument] = line.split(' ');
    COMMANDS[command](argument);
    handle = start(issuer);
    console.log(line);
  });
  lines.on('close', () => process.exit());
});
