# Enqueues jobs for Sidekiq.
# frozen_string_literal: true

require_relative 'sidekiq_app'

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)

def say_when(began)
  $stdout.puts began
  $stdout.flush
end

def keep_rate(rows, rate)
  began = now + 1_000_000
  say_when(began)
  rows.each_with_index do |row, n|
    early = began + n * 1_000_000_000 / rate - now
    sleep(early / 1e9) if early.positive?
    Pay.perform_async(*row)
  end
end

rows = File.readlines(ENV.fetch('INTENTS'), chomp: true).map { |line| line.split("\t") }
Sidekiq.redis(&:ping)
File.write("#{ENV.fetch('RUN')}/ready.#{Process.pid}", '')
$stdin.gets
rate = ENV.fetch('RATE').to_i
if rate.positive?
  keep_rate(rows, rate)
else
  say_when(now)
  rows.each_slice(1000) { |some| Sidekiq::Client.push_bulk('class' => Pay, 'args' => some) }
end
