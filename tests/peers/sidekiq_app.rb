# Sidekiq (the free one): a job is one call of the script.
# frozen_string_literal: true

require 'sidekiq'
require 'redis/connection/hiredis'

OPTIONS = { path: ENV.fetch('SOCK'), driver: :hiredis }.freeze
Sidekiq.configure_client { |config| config.redis = OPTIONS.merge(size: 2) }
Sidekiq.configure_server do |config|
  config.redis = OPTIONS
  config.logger.level = Logger::WARN
  config.on(:startup) { File.write("#{ENV.fetch('RUN')}/ready.#{Process.pid}", '') }
end

class Pay
  include Sidekiq::Worker
  sidekiq_options queue: 'pay', retry: 3

  def perform(key, account, merchant, amount)
    keys = ["done:#{key}", 'accounts', 'merchants', 'journal', 'answers']
    Sidekiq.redis { |redis| redis.evalsha(ENV.fetch('SHA'), keys, [key, account, merchant, amount]) }
  end
end
