/* Every operation and every field as JSON. */
#include "tests/schema/least.h"

#define TILL                                                                                                                      \
    "\"v\":1,\"source\":\"till\",\"key\":\"coffee/shop/k1>x\",\"at\":1700000000000,\"account\":\"coffee\",\"origin\":\"3:17-4\"," \
    "\"entry\":\"17-4\""

#define OWN "\"v\":1,\"source\":\"till\",\"key\":\"alice/shop/k1>x\",\"at\":1700000000000,\"account\":\"alice\",\"entry\":\"17-4\""
#define STEP "{\"op\":\"pay\",\"to\":\"coffee\",\"amount\":1,\"currency\":\"CNY\"}"

const char *const least_of_op[OP_COUNT] = {
    [OP_open] = "{\"op\":\"open\"," LEAST_HEAD ",\"kind\":\"user\",\"currency\":\"CNY\"}",
    [OP_freeze] = "{\"op\":\"freeze\"," LEAST_HEAD "}",
    [OP_thaw] = "{\"op\":\"thaw\"," LEAST_HEAD "}",
    [OP_close] = "{\"op\":\"close\"," LEAST_HEAD "}",
    [OP_inquire] = "{\"op\":\"inquire\"," LEAST_HEAD "}",
    [OP_topup] = "{\"op\":\"topup\"," LEAST_HEAD ",\"amount\":1,\"currency\":\"CNY\"}",
    [OP_withdraw] = "{\"op\":\"withdraw\"," LEAST_HEAD ",\"amount\":1}",
    [OP_pay] = "{\"op\":\"pay\"," LEAST_HEAD LEAST_PAYMENT,
    [OP_refund] = "{\"op\":\"refund\"," LEAST_HEAD ",\"of\":\"k0\"}",
    [OP_rollback] = "{\"op\":\"rollback\"," LEAST_HEAD ",\"of\":\"k0\"}",
    [OP_lock] = "{\"op\":\"lock\"," LEAST_HEAD ",\"token\":\"t\",\"expires\":0}",
    [OP_unlock] = "{\"op\":\"unlock\"," LEAST_HEAD ",\"token\":\"t\"}",
    [OP_limit] = "{\"op\":\"limit\"," LEAST_HEAD ",\"payments\":3,\"per\":60000}",
    [OP_credential] = "{\"op\":\"credential\"," LEAST_HEAD "}",
    [OP_policy] = "{\"op\":\"policy\",\"v\":1,\"source\":\"shop\",\"key\":\"k1\",\"at\":1700000000000,\"account\":\"@book\","
                  "\"settings\":{\"fee\":30}}",
    [OP_price] = "{\"op\":\"price\"," LEAST_HEAD ",\"sku\":\"tea\",\"amount\":5}",
    [OP_stock] = "{\"op\":\"stock\"," LEAST_HEAD ",\"sku\":\"tea\",\"quantity\":-3}",
    [OP_order] = "{\"op\":\"order\"," LEAST_HEAD ",\"order\":\"o1\",\"lines\":[[\"tea\",2]]}",
    [OP_cancel] = "{\"op\":\"cancel\"," LEAST_HEAD ",\"order\":\"o1\"}",
    [OP_settle] = "{\"op\":\"settle\"," LEAST_HEAD ",\"month\":\"2026-11\",\"currency\":\"CNY\"}",
    [OP_hold] = "{\"op\":\"hold\"," LEAST_HEAD LEAST_PAYMENT,
    [OP_capture] = "{\"op\":\"capture\"," LEAST_HEAD ",\"of\":\"k0\"}",
    [OP_release] = "{\"op\":\"release\"," LEAST_HEAD ",\"of\":\"k0\"}",
    [OP_transfer] = "{\"op\":\"transfer\"," LEAST_HEAD ",\"to\":\"bob\",\"amount\":5}",
    [OP_group] = "{\"op\":\"group\"," LEAST_HEAD ",\"steps\":[" STEP "," STEP "]}",
    [OP_unschedule] = "{\"op\":\"unschedule\"," LEAST_HEAD ",\"of\":\"k0\"}",
    [OP_arrive] = "{\"op\":\"arrive\"," TILL ",\"amount\":5,\"currency\":\"CNY\"}",
    [OP_paid] = "{\"op\":\"paid\"," TILL ",\"order\":\"o1\",\"amount\":5,\"currency\":\"CNY\"}",
    [OP_swept] = "{\"op\":\"swept\"," TILL ",\"month\":\"2026-11\",\"currency\":\"CNY\",\"gross\":5,\"refunds\":0}",
    [OP_lapse] = "{\"op\":\"lapse\"," OWN ",\"order\":\"o1\"}",
    [OP_recover] = "{\"op\":\"recover\"," OWN ",\"amount\":5,\"currency\":\"CNY\"}",
    [OP_settled] = "{\"op\":\"settled\"," TILL "}",
    [OP_bounce] = "{\"op\":\"bounce\"," TILL ",\"code\":4}",
    [OP_expire] = "{\"op\":\"expire\"," OWN "}",
    [OP_due] = "{\"op\":\"due\"," OWN ",\"inner\":\"hex:80\"}",
    [OP_adopt] = "{\"op\":\"adopt\"," TILL ",\"kind\":\"merchant\",\"currency\":\"CNY\"}",
    [OP_mark] = "{\"op\":\"mark\"," TILL ",\"status\":\"frozen\"}",
};

const char *const usual_of_field[FIELD_COUNT] = {
    [FIELD_v] = "1", [FIELD_op] = "\"pay\"", [FIELD_source] = "\"shop\"", [FIELD_key] = "\"k1\"", [FIELD_at] = "1700000000000",
    [FIELD_account] = "\"alice\"", [FIELD_to] = "\"bob\"", [FIELD_amount] = "5", [FIELD_currency] = "\"CNY\"", [FIELD_of] = "\"k0\"",
    [FIELD_of_at] = "1700000000000", [FIELD_kind] = "\"user\"", [FIELD_status] = "\"frozen\"", [FIELD_allow_duplicate] = "true",
    [FIELD_note] = "\"hello\"", [FIELD_origin] = "\"3:17-4\"", [FIELD_entry] = "\"17-4\"", [FIELD_expires] = "5",
    [FIELD_not_before] = "1700000000000", [FIELD_token] = "\"t\"", [FIELD_payments] = "3", [FIELD_per] = "60000",
    [FIELD_final] = "false", [FIELD_guard] = "{\"seq\":7}", [FIELD_settings] = "{\"fee\":30}",
    [FIELD_steps] = "[" STEP "," STEP "]", [FIELD_code] = "4", [FIELD_inner] = "\"hex:80\"",
    [FIELD_sku] = "\"tea\"", [FIELD_quantity] = "-3", [FIELD_order] = "\"o1\"", [FIELD_lines] = "[[\"tea\",2]]",
    [FIELD_month] = "\"2026-11\"", [FIELD_gross] = "5", [FIELD_refunds] = "0",
    [FIELD_credential] = "\"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff\"",
};
