// The function of 2017 that brought CloudWatch Logs to Elasticsearch, with
// today's runtime and API: unpack, read as JSON, one bulk request with `index`
// actions. It keeps the text as it is, as the forwarder does. It speaks Lambda's
// runtime API by itself, as the forwarder does.
import http from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';

const api = process.env.AWS_LAMBDA_RUNTIME_API;
const url = new URL(process.env.DESTINATION);
const agent = new http.Agent({ keepAlive: true });

function request(options, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request({ agent, ...options }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ answer, body: Buffer.concat(chunks) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function handle(event) {
  const payload = JSON.parse(gunzipSync(Buffer.from(event.awslogs.data, 'base64')).toString('utf8'));
  if (payload.messageType === 'CONTROL_MESSAGE') return;
  let body = '';
  for (const log of payload.logEvents) {
    body += JSON.stringify({ index: { _id: log.id } }) + '\n';
    body += JSON.stringify({
      '@timestamp': new Date(log.timestamp).toISOString(),
      message: log.message,
      'aws.account': payload.owner,
      'aws.log_group': payload.logGroup,
      'aws.log_stream': payload.logStream,
      'aws.event_id': log.id,
    }) + '\n';
  }
  const { answer, body: told } = await request({
    host: url.hostname, port: url.port, method: 'POST', path: '/logs-aws.vpc-alpha/_bulk',
    headers: {
      'content-type': 'application/x-ndjson', 'content-encoding': 'gzip', authorization: 'Basic d3JpdGVyOmZpcnN0',
    },
  }, gzipSync(body, { level: 1 }));
  if (answer.statusCode !== 200 || JSON.parse(told).errors) throw new Error('refused');
}

const [host, port] = api.split(':');
for (;;) {
  const next = await request({ host, port, path: '/2018-06-01/runtime/invocation/next' });
  const id = next.answer.headers['lambda-runtime-aws-request-id'];
  const path = `/2018-06-01/runtime/invocation/${id}`;
  try {
    await handle(JSON.parse(next.body));
    await request({ host, port, method: 'POST', path: `${path}/response` }, 'null');
  } catch (error) {
    await request({ host, port, method: 'POST', path: `${path}/error` }, JSON.stringify({ errorMessage: String(error) }));
  }
}
