*** Settings ***
Documentation     The operator's desk: provisioning, top-up, cash-out, and the ledger.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes

*** Test Cases ***
A Blank Device Becomes A Wallet
    Switch On A New Wallet    alice
    Status Should Be    alice    BLANK
    Provision    alice
    Status Should Be    alice    READY
    Balance Should Be    alice    0.00

Money Goes In And Out To The Minor Unit
    Switch On A New Wallet    alice    wearable
    Provision    alice
    Top Up    alice    100.01
    Balance Should Be    alice    100.01
    Cash Out    alice    40.00
    Balance Should Be    alice    60.01
    Sync Should Settle    alice
    Ledger Should Add Up

A Wallet Keeps What It Has Through A Power Cut
    Switch On A New Wallet    alice
    Provision    alice
    Top Up    alice    12.34
    Cut The Power Of    alice
    Switch On Again    alice
    Balance Should Be    alice    12.34
