# The tables and the plot of what was measured.
import json
import subprocess


def line_of(row):
    killed = '%d, %.1f s' % (row['killed_unanswered'], row['killed_longest_s']) if 'killed_unanswered' in row else ''
    return '| %s | %s | %.1f | %.1f | %.2f / %.2f | %.0f | %s |' % (
        row['title'], format(round(row['per_s'], -2), ',.0f'), row['server_us'], row['worker_us'], row['p50_ms'], row['p99_ms'],
        row['worker_mb'], killed)


def markdown(report):
    lines = ['| | payments/s | server CPU us | worker CPU us | p50 / p99 ms at %d/s | workers MB | workers killed: unanswered, longest wait |'
             % report['rate'], '|---|---|---|---|---|---|---|']
    lines += [line_of(row) for row in report['rows']]
    lines += ['', '| | what a crash of a worker does |', '|---|---|']
    lines += ['| %s | %s |' % (row['title'], row['crash']) for row in report['rows']]
    versions = ', '.join('%s %s' % item for item in report['versions'].items())
    lines += ['', '%s. %s. %s. Append-only file: %s; PostgreSQL with fsync and synchronous_commit on.'
              % (report['date'], report['machine'], versions, 'everysec' if report['aof'] else 'no')]
    return '\n'.join(lines) + '\n'


PLOT = '''set terminal svg size 1100,300 font "sans-serif,12" background "white"
set output "%(path)s"
set style fill solid 0.85 noborder
set boxwidth 0.6
set grid y lc rgb "#dddddd"
set border 3
set tics nomirror
unset key
$data << END
%(data)s
END
set multiplot layout 1,2
set title "thousand payments a second"
set yrange [0:*]
set offsets 0.5, 0.5, 3, 0
plot $data using 0:2:xtic(1) with boxes lc rgb "#2f6f8f", $data using 0:2:(sprintf("%%.1f", $2)) with labels offset 0,0.6
set title "p99 from enqueue to answer at %(rate)d/s, ms (logarithmic)"
set offsets 0.5, 0.5, 0, 0
set logscale y
set yrange [0.05:*]
plot $data using 0:3:xtic(1) with boxes lc rgb "#b5652b", $data using 0:3:(sprintf("%%.2f", $3)) with labels offset 0,0.6
unset multiplot
'''


def plot(report, path):
    data = '\n'.join('"%s" %f %f' % (row['title'].split(',')[0], row['per_s'] / 1000, row['p99_ms']) for row in report['rows'])
    subprocess.run(['gnuplot'], input=PLOT % {'path': path, 'data': data, 'rate': report['rate']}, text=True, check=True)


def write(report, directory):
    with open(directory + '/results.json', 'w') as out:
        json.dump(report, out, indent=1)
        out.write('\n')
    with open(directory + '/results.md', 'w') as out:
        out.write(markdown(report))
    plot(report, directory + '/results.svg')
